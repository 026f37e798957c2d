/* The floor of `make bench fanout`: protect in place and sendmmsg with UDP GSO, and nothing else.

   One call sends one frame to all targets: copies of the packets, libsrtp or seal.c (the very ones that Pavilion
   uses: function and sessions are handed in), one entry for each run, at most CALL entries a call. */
#define _GNU_SOURCE
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define CALL 512
#define AHEAD 4
#define ARENA (512 * 1024)

typedef int (*protect_t)(void *session, void *packet, int *length);
typedef int (*seal_t)(void *session, const unsigned char *packet, unsigned char *out, int *length);

struct control { struct cmsghdr head; uint16_t segment; char pad[6]; };

static unsigned char arena[ARENA];
static struct mmsghdr entries[CALL];
static struct iovec vectors[CALL];
static struct control control;

static long flush(int fd, unsigned count)
{
    unsigned done = 0;
    while (done < count) {
        int sent = sendmmsg(fd, entries + done, count - done, 0);
        if (sent <= 0)
            return -1;
        done += sent;
    }
    return 0;
}

/* `frame`: `packets` packets of `size` bytes, but the last of `last`; `tag`: the bytes that SRTP adds;
   `session`: those of a session that lies in one piece, and is fetched while others are served, else 0. */
long floor_send(int fd, protect_t protect, seal_t seal, void **sessions, int session, struct sockaddr_in *names, int targets,
                const unsigned char *frame, int packets, int size, int last, int tag)
{
    unsigned count = 0;
    size_t used = 0, need = (size_t)packets * (size + tag);
    control.head.cmsg_len = CMSG_LEN(2);
    control.head.cmsg_level = IPPROTO_UDP;
    control.head.cmsg_type = 103; /* UDP_SEGMENT */
    control.segment = size + tag;
    for (int target = 0; target < targets; target++) {
        if (count == CALL || used + need > ARENA) {
            if (flush(fd, count))
                return -1;
            count = 0;
            used = 0;
        }
        for (int byte = 0; target + AHEAD < targets && byte < session; byte += 64)
            __builtin_prefetch((char *)sessions[target + AHEAD] + byte);
        unsigned char *start = arena + used, *at = start;
        for (int packet = 0; packet < packets; packet++) {
            int length = packet == packets - 1 ? last : size;
            const unsigned char *from = frame + (size_t)packet * size;
            if (!seal)
                memcpy(at, from, length);
            if (seal ? seal(sessions[target], from, at, &length) : protect(sessions[target], at, &length))
                return -2;
            at += length;
        }
        vectors[count].iov_base = start;
        vectors[count].iov_len = at - start;
        struct msghdr *head = &entries[count].msg_hdr;
        memset(head, 0, sizeof *head);
        head->msg_name = names + target;
        head->msg_namelen = sizeof *names;
        head->msg_iov = vectors + count;
        head->msg_iovlen = 1;
        if (packets > 1) {
            head->msg_control = &control;
            head->msg_controllen = sizeof control;
        }
        used = at - arena;
        count++;
    }
    return flush(fd, count);
}
