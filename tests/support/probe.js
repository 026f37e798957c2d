// What a test sees and hears in a page: every presented picture with its time and the code in its top edge,
// the pitch of the sound, and the browser's own statistics. Installed before the page's scripts run.
"use strict";
(() => {
  const pcs = [];
  const sessions = []; // URLs of those that `whep` opened
  const Native = window.RTCPeerConnection;
  if (Native) {
    window.RTCPeerConnection = class extends Native {
      constructor(...options) {
        super(...options);
        pcs.push(this);
      }
    };
  }

  const CELLS = 20; // of the code: see tests/support/codes.py
  const strip = document.createElement("canvas");
  strip.width = CELLS;
  strip.height = 1;
  const pen = strip.getContext("2d", { willReadFrequently: true });

  /** The bits in the picture's top edge as a number, or -1 if there is no code. */
  const readCode = (video) => {
    const { videoWidth: width, videoHeight: height } = video;
    pen.imageSmoothingEnabled = false;
    pen.drawImage(video, 0, (height * 16) / 720, width, (height * 8) / 720, 0, 0, CELLS, 1);
    const pixels = pen.getImageData(0, 0, CELLS, 1).data;
    let code = 0;
    for (let cell = 0; cell < CELLS; cell += 1) {
      const light = pixels[cell * 4 + 1];
      if (light > 90 && light < 165) return -1;
      code = code * 2 + (light >= 165 ? 1 : 0);
    }
    return code;
  };

  const dot = document.createElement("canvas");
  dot.width = 1;
  dot.height = 1;
  const dotPen = dot.getContext("2d", { willReadFrequently: true });

  /** The colour of a small square around (x, y), both 0 to 1, of a video. */
  const colour = (video, x, y) => {
    const { videoWidth: width, videoHeight: height } = video;
    if (!width) return null;
    dotPen.drawImage(video, x * width - 4, y * height - 4, 8, 8, 0, 0, 1, 1);
    return [...dotPen.getImageData(0, 0, 1, 1).data.slice(0, 3)];
  };

  class Watch {
    /** @param {HTMLVideoElement} video  @param {{code?: boolean, spot?: [number, number]}} what */
    constructor(video, what = {}) {
      this.video = video;
      this.what = what;
      this.rows = []; // [presented, shown, rtp timestamp, presentedFrames, code, light, received]
      this.live = true;
      this.next();
    }

    next() {
      this.video.requestVideoFrameCallback((now, meta) => {
        if (!this.live) return;
        const code = this.what.code ? readCode(this.video) : -1;
        const light = this.what.spot ? colour(this.video, ...this.what.spot)[1] : -1;
        this.rows.push([
          meta.presentationTime,
          meta.expectedDisplayTime,
          meta.rtpTimestamp ?? -1,
          meta.presentedFrames,
          code,
          light,
          meta.receiveTime ?? -1,
        ]);
        this.next();
      });
    }

    take() {
      const rows = this.rows;
      this.rows = [];
      return rows;
    }

    stop() {
      this.live = false;
      return this.take();
    }
  }

  class Ear {
    /** Listens to a stream: the loudest pitch, and when beeps begin. */
    constructor(stream) {
      this.context = new AudioContext({ latencyHint: "interactive" });
      this.source = this.context.createMediaStreamSource(new MediaStream(stream.getAudioTracks()));
      this.analyser = this.context.createAnalyser();
      this.analyser.fftSize = 8192;
      this.analyser.smoothingTimeConstant = 0;
      this.source.connect(this.analyser);
      this.bins = new Float32Array(this.analyser.frequencyBinCount);
    }

    /** The loudest pitch in Hz and its level in dB. */
    pitch() {
      this.analyser.getFloatFrequencyData(this.bins);
      let best = 0;
      for (let bin = 8; bin < this.bins.length; bin += 1) if (this.bins[bin] > this.bins[best]) best = bin;
      return [(best * this.context.sampleRate) / this.analyser.fftSize, this.bins[best]];
    }

    /** Call `heard(performance time in ms)` for each beep: needs a page without content security policy. */
    async beeps() {
      const code = `registerProcessor("beeps", class extends AudioWorkletProcessor {
        quiet = 0;
        process(inputs) {
          const samples = inputs[0][0];
          if (samples) for (let i = 0; i < samples.length; i += 1) {
            if (Math.abs(samples[i]) < 0.08) { this.quiet += 1; continue; }
            if (this.quiet > sampleRate * 0.3) this.port.postMessage((currentFrame + i) / sampleRate);
            this.quiet = 0;
          }
          return true;
        }
      });`;
      const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
      await this.context.audioWorklet.addModule(url);
      URL.revokeObjectURL(url);
      const node = new AudioWorkletNode(this.context, "beeps", { numberOfOutputs: 1 });
      this.source.connect(node);
      node.connect(this.context.destination);
      this.heard = [];
      node.port.onmessage = ({ data }) => {
        const { contextTime, performanceTime } = this.context.getOutputTimestamp();
        this.heard.push(performanceTime + (data - contextTime) * 1000);
      };
    }
  }

  /** Figures of every receiving connection of the page, added up. */
  const received = async () => {
    const sum = { peers: 0 };
    for (const pc of pcs) {
      if (pc.connectionState !== "connected") continue;
      for (const row of (await pc.getStats()).values()) {
        if (row.type !== "inbound-rtp") continue;
        sum.peers += row.kind === "video" ? 1 : 0;
        for (const [name, value] of Object.entries(row)) {
          if (typeof value === "number") sum[`${row.kind}.${name}`] = (sum[`${row.kind}.${name}`] ?? 0) + value;
        }
      }
    }
    return sum;
  };

  /** What the page's outgoing video connections send. */
  const sent = async () => {
    const found = [];
    for (const pc of pcs) {
      if (pc.connectionState !== "connected") continue;
      const report = await pc.getStats();
      for (const row of report.values()) {
        if (row.type === "outbound-rtp" && row.kind === "video") {
          const codec = report.get(row.codecId);
          found.push({ width: row.frameWidth, height: row.frameHeight, fps: row.framesPerSecond,
            frames: row.framesEncoded, codec: codec && codec.mimeType, keyframes: row.keyFramesEncoded,
            pli: row.pliCount, bytes: row.bytesSent, limited: row.qualityLimitationReason });
        }
      }
    }
    return found;
  };

  /** A WHEP viewer without a page around it: [connection, video element, ms from the call to the first picture, to the
   *  POST and to its answer]. */
  const whep = async (url, pass) => {
    const begun = performance.now();
    const pc = new RTCPeerConnection();
    const video = document.createElement("video");
    video.muted = true;
    video.autoplay = true;
    video.playsInline = true;
    Object.assign(video.style, { position: "fixed", left: 0, top: 0, width: "640px", zIndex: 9 });
    document.body.append(video);
    const stream = new MediaStream();
    video.srcObject = stream;
    pc.ontrack = ({ track }) => stream.addTrack(track);
    pc.addTransceiver("video", { direction: "recvonly" });
    pc.addTransceiver("audio", { direction: "recvonly" });
    const first = new Promise((done) => {
      video.requestVideoFrameCallback((now, meta) => done(meta.presentationTime));
    });
    await pc.setLocalDescription();
    const headers = { "Content-Type": "application/sdp" };
    if (pass) headers.Authorization = `Bearer ${pass}`;
    const posted = performance.now();
    const answer = await fetch(url, { method: "POST", headers, body: pc.localDescription.sdp });
    if (answer.status !== 201) throw new Error(`${answer.status} ${await answer.text()}`);
    const answered = performance.now();
    const location = new URL(answer.headers.get("Location"), answer.url).href;
    sessions.push(location);
    await pc.setRemoteDescription({ type: "answer", sdp: await answer.text() });
    const shown = await first;
    return { pc, video, stream, location,
      ms: shown - begun, posted: posted - begun, answered: answered - begun };
  };

  /** Say goodbye everywhere, as a closed browser does not. */
  const leave = async () => {
    for (const pc of pcs) pc.close();
    for (const location of sessions) await fetch(location, { method: "DELETE" });
  };

  window.probe = { pcs, Watch, Ear, code: readCode, colour, received, sent, whep, leave };
})();
