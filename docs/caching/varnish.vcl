# Varnish in front of Pavilion's LL-HLS: requests for the same version or part are joined, and all who wait are
# answered at once (nginx makes them look again each half second). Varnish speaks no TLS: put nginx or a load
# balancer with TLS before it, or use it between the origin and a CDN. Tested with Varnish 7.1 by
# tests/e2e/test_caches.py.
#
#   varnishd -a :6081 -f /etc/varnish/pavilion.vcl -s malloc,512m

vcl 4.1;

backend default {
    .host = "127.0.0.1";                         # where Pavilion listens
    .port = "8080";
    .first_byte_timeout = 20s;                   # a playlist may be waited for 12 s, three target durations
    .between_bytes_timeout = 10s;
}

sub vcl_recv {
    if (req.http.Upgrade ~ "(?i)websocket") {
        return (pipe);
    }
    if (req.url !~ "^/live/" || (req.method != "GET" && req.method != "HEAD")) {
        return (pass);
    }
    if (req.http.Authorization || req.http.Cookie ~ "(^|; *)pavilion_pass=") {
        return (pass);                           # an event for people with a pass: nothing is shared
    }
    unset req.http.Cookie;
    return (hash);
}

sub vcl_pipe {
    if (req.http.upgrade) {
        set bereq.http.upgrade = req.http.upgrade;
        set bereq.http.connection = req.http.connection;
    }
}

sub vcl_backend_response {
    if (bereq.url !~ "^/live/") {
        set beresp.uncacheable = true;
        return (deliver);
    }
    if (beresp.status >= 400) {
        # Not kept. Without a time to live whoever waited asks for themselves, and is not queued behind it.
        set beresp.ttl = 0s;
        set beresp.grace = 0s;
        set beresp.uncacheable = true;
        return (deliver);
    }
    set beresp.grace = 0s;                       # an old playlist is worse than none
    set beresp.keep = 0s;
    if (beresp.ttl > 10m) {
        set beresp.ttl = 10m;                    # a part is asked for during seconds; memory is for the next ones
    }
    return (deliver);
}

sub vcl_deliver {
    if (obj.hits > 0) {
        set resp.http.X-Cache = "HIT";
    } else {
        set resp.http.X-Cache = "MISS";
    }
}
