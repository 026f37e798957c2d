/* The compiled ear: what ear.py's PlainEar does, in C. One call reads what has come, answers the checks that it
   knows, passes over reports that need not be read, and leaves the rest for Python.

   SHA-1 is here because STUN's signatures are HMAC-SHA1 (RFC 8489 section 14.5), and a library's costs, cold, as
   much as all the rest. What a habit is compared with is what Python has found authentic, so nothing is parsed. */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define TURN 24       /* datagrams read in one call */
#define DATAGRAM 2048 /* bytes; longer ones are cut */
#define NAME 28       /* bytes of an address, IPv6's at most */
#define HEADER 20     /* STUN's */
#define SIGNED 24     /* MESSAGE-INTEGRITY with its head */
#define SIGNATURES 32 /* and FINGERPRINT with its */
#define ATTRIBUTES 140 /* bytes before these: browsers have about 70 */
#define ANSWER 76     /* bytes, to IPv6 */
#define SLOTS 8192
#define WAYS 4 /* slots an address may have: who finds all taken is read in full */
#define BLOCK 64
#define DIGEST 20
#define FIRST_NOT_STUN 4 /* RFC 7983 */
#define RECEIVER_REPORT 201
#define SRTCP_INDEX 4

struct sha { uint32_t state[5]; };

/* What comes from one address. `size`: of a check, 0 if none is known; `tag`: of SRTCP. Seconds are monotonic. */
struct habit {
    double answered, quiet;
    struct sha inner, outer; /* the password's, one block each */
    uint16_t size, tag;
    uint8_t name_size; /* 0: free */
    unsigned char name[NAME], head[8], attributes[ATTRIBUTES];
};

/* What is left for Python: where it lies in `data`, its length, whose. */
struct rest { int at, size, name, name_size; };

/* `known`: checks answered, of which `sent` left, with so many `octets`, and `refused` the kernel would not take. */
struct tally { uint64_t datagrams, bytes, unread, known, sent, octets, refused, overflow; };

struct ear {
    struct rest rest[TURN];
    struct tally tally;
    struct mmsghdr in[TURN], out[TURN];
    struct iovec from[TURN], to[TURN];
    unsigned char names[TURN][NAME];
    unsigned char said[TURN][ANSWER];
    uint32_t crc[256];
    unsigned char data[TURN][DATAGRAM];
    struct habit habit[SLOTS];
};

/* -- SHA-1 (RFC 3174), HMAC (RFC 2104), CRC-32 ---------------------------------------------------------------- */

static inline uint32_t word(const unsigned char *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}
static inline void put_word(unsigned char *at, uint32_t value)
{
    at[0] = value >> 24, at[1] = value >> 16, at[2] = value >> 8, at[3] = value;
}
static inline uint32_t turned(uint32_t value, int bits) { return value << bits | value >> (32 - bits); }

static void sha_block(struct sha *sha, const unsigned char *block)
{
    uint32_t w[80], a = sha->state[0], b = sha->state[1], c = sha->state[2], d = sha->state[3], e = sha->state[4];
    for (int t = 0; t < 16; t++)
        w[t] = word(block + 4 * t);
    for (int t = 16; t < 80; t++)
        w[t] = turned(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
    for (int t = 0; t < 80; t++) {
        uint32_t f = t < 20 ? (b & c) | (~b & d) : t < 40 || t >= 60 ? b ^ c ^ d : (b & c) | (b & d) | (c & d);
        uint32_t k = t < 20 ? 0x5a827999 : t < 40 ? 0x6ed9eba1 : t < 60 ? 0x8f1bbcdc : 0xca62c1d6;
        uint32_t next = turned(a, 5) + f + e + w[t] + k;
        e = d, d = c, c = turned(b, 30), b = a, a = next;
    }
    sha->state[0] += a, sha->state[1] += b, sha->state[2] += c, sha->state[3] += d, sha->state[4] += e;
}

/* The digest of what has begun with one block, and goes on with `size` bytes of `data`. */
static void sha_rest(struct sha sha, const unsigned char *data, int size, unsigned char *digest)
{
    unsigned char last[2 * BLOCK] = {0};
    int at = 0, left, blocks;
    for (; at + BLOCK <= size; at += BLOCK)
        sha_block(&sha, data + at);
    left = size - at;
    blocks = left + 9 > BLOCK ? 2 : 1;
    memcpy(last, data + at, left);
    last[left] = 0x80;
    put_word(last + blocks * BLOCK - 4, (uint32_t)(BLOCK + size) * 8);
    for (int block = 0; block < blocks; block++)
        sha_block(&sha, last + block * BLOCK);
    for (int i = 0; i < 5; i++)
        put_word(digest + 4 * i, sha.state[i]);
}

static struct sha sha_of_key(const unsigned char *key, int size, unsigned char pad)
{
    struct sha sha = {{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0}};
    unsigned char block[BLOCK];
    memset(block, pad, BLOCK);
    for (int i = 0; i < size; i++)
        block[i] ^= key[i];
    sha_block(&sha, block);
    return sha;
}

static void hmac(const struct habit *habit, const unsigned char *data, int size, unsigned char *digest)
{
    unsigned char inner[DIGEST];
    sha_rest(habit->inner, data, size, inner);
    sha_rest(habit->outer, inner, DIGEST, digest);
}

static void crc_prepare(uint32_t *table)
{
    for (uint32_t i = 0; i < 256; i++) {
        table[i] = i;
        for (int bit = 0; bit < 8; bit++)
            table[i] = table[i] >> 1 ^ (table[i] & 1 ? 0xedb88320 : 0);
    }
}

static uint32_t crc(const uint32_t *table, const unsigned char *data, int size)
{
    uint32_t value = 0xffffffff;
    for (int i = 0; i < size; i++)
        value = value >> 8 ^ table[(value ^ data[i]) & 255];
    return ~value;
}

/* -- habits --------------------------------------------------------------------------------------------------- */

struct ear *ear_new(void)
{
    struct ear *ear = calloc(1, sizeof *ear);
    if (!ear)
        return NULL;
    crc_prepare(ear->crc);
    for (int i = 0; i < TURN; i++) {
        ear->from[i] = (struct iovec){ear->data[i], DATAGRAM};
        ear->in[i].msg_hdr = (struct msghdr){.msg_name = ear->names[i], .msg_iov = ear->from + i, .msg_iovlen = 1};
        ear->to[i] = (struct iovec){ear->said[i], 0};
        ear->out[i].msg_hdr = (struct msghdr){.msg_iov = ear->to + i, .msg_iovlen = 1};
    }
    return ear;
}
void ear_free(struct ear *ear) { free(ear); }
const struct rest *ear_rest(struct ear *ear) { return ear->rest; }
const struct tally *ear_tally(struct ear *ear) { return &ear->tally; }
unsigned char *ear_data(struct ear *ear) { return ear->data[0]; }
unsigned char *ear_names(struct ear *ear) { return ear->names[0]; }

static struct habit *first_slot(struct ear *ear, const unsigned char *name, unsigned size)
{
    uint32_t mixed = 2166136261u; /* FNV-1a */
    for (unsigned i = 0; i < size; i++)
        mixed = (mixed ^ name[i]) * 16777619u;
    return ear->habit + (mixed ^ mixed >> 16) % (SLOTS - WAYS + 1);
}

static struct habit *find(struct ear *ear, const unsigned char *name, unsigned size)
{
    struct habit *habit = first_slot(ear, name, size);
    for (int way = 0; way < WAYS; way++, habit++)
        if (habit->name_size == size && !memcmp(habit->name, name, size))
            return habit;
    return NULL;
}

/* NULL if there is no room. */
static struct habit *make(struct ear *ear, const unsigned char *name, unsigned size)
{
    struct habit *found = find(ear, name, size), *first = first_slot(ear, name, size);
    if (found)
        return found;
    for (found = first; found->name_size; found++)
        if (found == first + WAYS - 1)
            return NULL;
    memcpy(found->name, name, size);
    found->name_size = size;
    return found;
}

/* From now on, checks like this authentic one, signed with this password, are answered. One that is too
   long, or does not end in its signatures, is never known. */
void ear_learn(struct ear *ear, const unsigned char *name, unsigned name_size, const unsigned char *check, int size,
              const unsigned char *password, int password_size)
{
    struct habit *habit = make(ear, name, name_size);
    int attributes = size - HEADER - SIGNATURES;
    if (!habit)
        return;
    habit->size = 0;
    if (attributes < 0 || attributes > ATTRIBUTES || password_size > BLOCK)
        return;
    habit->inner = sha_of_key(password, password_size, 0x36);
    habit->outer = sha_of_key(password, password_size, 0x5c);
    memcpy(habit->head, check, sizeof habit->head);
    memcpy(habit->attributes, check + HEADER, attributes);
    habit->size = size;
}

/* Until then, receiver reports that come alone are passed over. */
void ear_hush(struct ear *ear, const unsigned char *name, unsigned size, int tag, double until)
{
    struct habit *habit = make(ear, name, size);
    if (!habit)
        return;
    habit->tag = tag;
    habit->quiet = until;
}

void ear_forget(struct ear *ear, const unsigned char *name, unsigned size)
{
    struct habit *habit = find(ear, name, size);
    if (habit)
        memset(habit, 0, sizeof *habit);
}

/* When a check from there was answered last; 0 if none was. */
double ear_answered(struct ear *ear, const unsigned char *name, unsigned size)
{
    struct habit *habit = find(ear, name, size);
    return habit ? habit->answered : 0;
}

/* -- hearing -------------------------------------------------------------------------------------------------- */

/* Whether this is the check that is known from there, with another transaction, and authentic. */
static int known(const struct habit *habit, const unsigned char *check, int size)
{
    unsigned char covered[HEADER + ATTRIBUTES], digest[DIGEST], differs = 0;
    int at = size - SIGNATURES;
    const unsigned char *signature = check + at;
    if (!habit->size || size != habit->size || memcmp(check, habit->head, sizeof habit->head) ||
        memcmp(check + HEADER, habit->attributes, at - HEADER) || word(signature) != 0x00080014)
        return 0;
    memcpy(covered, check, at);
    covered[2] = (at + SIGNED - HEADER) >> 8; /* as if it ended with the HMAC */
    covered[3] = (at + SIGNED - HEADER) & 255;
    hmac(habit, covered, at, digest);
    for (int i = 0; i < DIGEST; i++)
        differs |= digest[i] ^ signature[4 + i];
    return !differs;
}

/* A success answer with XOR-MAPPED-ADDRESS (RFC 8489 section 14.2). Returns its bytes. */
static int answer(struct ear *ear, const struct habit *habit, const unsigned char *check, unsigned char *out)
{
    int six = habit->name_size > sizeof(struct sockaddr_in), bytes = six ? 16 : 4, at = HEADER;
    const unsigned char *port = habit->name + 2, *address = habit->name + (six ? 8 : 4);
    put_word(out, 0x01010000 | (uint32_t)(8 + bytes + SIGNED));
    memcpy(out + 4, check + 4, 16); /* magic and transaction, which also hide the address */
    put_word(out + at, 0x00200000 | (uint32_t)(4 + bytes));
    out[at + 4] = 0, out[at + 5] = six ? 2 : 1, out[at + 6] = port[0] ^ 0x21, out[at + 7] = port[1] ^ 0x12;
    for (int i = 0; i < bytes; i++)
        out[at + 8 + i] = address[i] ^ check[4 + i];
    at += 8 + bytes;
    put_word(out + at, 0x00080014);
    hmac(habit, out, at, out + at + 4);
    at += SIGNED;
    out[3] += SIGNATURES - SIGNED;
    put_word(out + at, 0x80280004);
    put_word(out + at + 4, crc(ear->crc, out, at) ^ 0x5354554e);
    return at + 8;
}

/* A receiver report and nothing else: its first header is not encrypted (RFC 3711 section 3.4). */
static int lone_report(const unsigned char *data, int size, int tag)
{
    return data[0] >> 6 == 2 && data[1] == RECEIVER_REPORT &&
           size == 4 + 4 * (data[2] << 8 | data[3]) + tag + SRTCP_INDEX;
}

/* Sends the answers. One that the kernel refuses (a port 0, a firewall) takes none of the others with it. What it has
   no room for is lost, as on the way: browsers check again. */
static void tell(struct ear *ear, int fd, int answers)
{
    for (int done = 0; done < answers;) {
        int sent = sendmmsg(fd, ear->out + done, answers - done, MSG_DONTWAIT);
        if (sent > 0) {
            ear->tally.sent += sent;
            for (; sent > 0; sent--, done++)
                ear->tally.octets += ear->to[done].iov_len;
        } else if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            ear->tally.overflow += answers - done;
            return;
        } else if (sent == 0 || errno != EINTR) {
            ear->tally.refused++;
            done++;
        }
    }
}

/* Reads up to TURN datagrams. Returns how many are left for Python, or an errno less than zero. Once a check is left,
   all that follow are: the order of what peers nominate counts. */
int ear_hear(struct ear *ear, int fd, double now)
{
    int count, left = 0, answers = 0, news = 0;
    for (int i = 0; i < TURN; i++)
        ear->in[i].msg_hdr.msg_namelen = NAME;
    do
        count = recvmmsg(fd, ear->in, TURN, MSG_DONTWAIT, NULL);
    while (count < 0 && errno == EINTR);
    if (count < 0)
        return -errno;
    for (int i = 0; i < count; i++) {
        const unsigned char *data = ear->data[i];
        int size = ear->in[i].msg_len, name_size = ear->in[i].msg_hdr.msg_namelen;
        struct habit *habit = find(ear, ear->names[i], name_size);
        ear->tally.datagrams++;
        ear->tally.bytes += size;
        if (habit && !news && known(habit, data, size)) {
            struct msghdr *out = &ear->out[answers].msg_hdr;
            habit->answered = now;
            out->msg_name = ear->names[i];
            out->msg_namelen = name_size;
            out->msg_iov->iov_len = answer(ear, habit, data, ear->said[answers]);
            answers++;
        } else if (habit && now < habit->quiet && lone_report(data, size, habit->tag)) {
            ear->tally.unread++;
        } else {
            ear->rest[left++] = (struct rest){i * DATAGRAM, size, i * NAME, name_size};
            news |= size && data[0] < FIRST_NOT_STUN;
        }
    }
    ear->tally.known += answers;
    tell(ear, fd, answers);
    return left;
}
