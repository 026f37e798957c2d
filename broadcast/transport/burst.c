/* The compiled core: what tray.py's PlainTray does, in C. Optional; compiled.py builds and calls it.

   A tray has room for one copy of the packets for each of some targets, and for the kernel's entries. libsrtp
   is the very one that Python uses: its function and the sessions are handed in, so nothing is linked. Or else
   they are seal.c's. */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define UDP_SEGMENT_OPTION 103 /* UDP_SEGMENT, which old headers lack */
#define ENTRIES 512
#define ARENA (512 * 1024)
#define AHEAD 4 /* targets whose session is fetched while others are served */
#define LINE 64 /* bytes of the processor's cache */
#define HUGE_PAGE (2 << 20)

typedef int (*protect_t)(void *session, void *packet, int *length);
typedef int (*seal_t)(void *session, const unsigned char *packet, unsigned char *out, int *length);

struct control { struct cmsghdr head; uint16_t segment; char pad[6]; };

/* Packets that leave together: `packets` of them from number `first` on. `segment` is what the kernel cuts
   them into, 0 for a single one. */
struct run { int first, packets, segment; };

/* One layout: packets close behind each other with room for what SRTP adds. `plain` are the bytes of each without
   that, `added` those that come to each, `span` those of all. It is libsrtp's `protect` that protects, or for sealed
   targets `seal`, whose sessions have `session` bytes in one piece. */
struct layout {
    protect_t protect;
    seal_t seal;
    const unsigned char *template;
    const int *plain;
    const struct run *run;
    int span, added, runs, session;
};

struct tray {
    struct mmsghdr entries[ENTRIES];
    struct iovec vectors[ENTRIES];
    struct control controls[ENTRIES];
    unsigned char arena[ARENA];
};

/* On one huge page where the system has them: each burst touches every page of a tray. */
struct tray *tray_new(void)
{
    struct tray *tray = aligned_alloc(HUGE_PAGE, HUGE_PAGE);
    if (tray) {
        madvise(tray, HUGE_PAGE, MADV_HUGEPAGE);
        memset(tray, 0, sizeof *tray);
    }
    return tray;
}
void tray_free(struct tray *tray) { free(tray); }
unsigned char *tray_arena(struct tray *tray) { return tray->arena; }

static inline void fetch(const char *session, int bytes)
{
    for (int at = 0; at < bytes; at += LINE)
        __builtin_prefetch(session + at);
}

/* Copies and protects for `targets` targets, and writes their entries, numbered by run, then by target. The
   caller has checked that there is room. Returns -1, or the number of a target that was refused. */
int tray_load(struct tray *tray, const struct layout *layout, int sealed, void **sessions, unsigned char *names,
              unsigned name_size, int targets)
{
    int ahead = sealed ? layout->session : 0;
    for (int number = 0; number < layout->runs; number++) {
        struct control *control = tray->controls + number;
        control->head.cmsg_len = CMSG_LEN(sizeof control->segment);
        control->head.cmsg_level = IPPROTO_UDP;
        control->head.cmsg_type = UDP_SEGMENT_OPTION;
        control->segment = layout->run[number].segment;
    }
    for (int target = 0; target < AHEAD && target < targets; target++)
        fetch(sessions[target], ahead);
    for (int target = 0; target < targets; target++) {
        unsigned char *at = tray->arena + (size_t)target * layout->span;
        const unsigned char *from = layout->template;
        if (target + AHEAD < targets)
            fetch(sessions[target + AHEAD], ahead);
        if (!sealed)
            memcpy(at, from, layout->span);
        for (int number = 0; number < layout->runs; number++) {
            const struct run *run = layout->run + number;
            int entry = number * targets + target;
            struct iovec *vector = tray->vectors + entry;
            struct msghdr *head = &tray->entries[entry].msg_hdr;
            vector->iov_base = at;
            for (int packet = run->first; packet < run->first + run->packets; packet++) {
                int length = layout->plain[packet];
                int refused = sealed ? layout->seal(sessions[target], from, at, &length)
                                     : layout->protect(sessions[target], at, &length);
                if (refused || length != layout->plain[packet] + layout->added)
                    return target;
                at += length;
                from += length;
            }
            vector->iov_len = at - (unsigned char *)vector->iov_base;
            head->msg_name = names + (size_t)target * name_size;
            head->msg_namelen = name_size;
            head->msg_iov = vector;
            head->msg_iovlen = 1;
            head->msg_control = run->segment ? tray->controls + number : NULL;
            head->msg_controllen = run->segment ? sizeof(struct control) : 0;
        }
    }
    return -1;
}

/* Sends entries `first` to `end`. Returns how many went, or if none did, the errno less than zero. */
int tray_send(struct tray *tray, int fd, int first, int end)
{
    int sent;
    do
        sent = sendmmsg(fd, tray->entries + first, end - first, MSG_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    return sent > 0 ? sent : sent < 0 ? -errno : -EAGAIN;
}

/* Loads and sends for `room` targets at a time. Returns how many of the `targets` are served; if not all, then
   the next `room` are in trouble, of two numbers: whether they lie on the tray, and how many of their entries
   have left. */
int tray_fly(struct tray *tray, const struct layout *layout, int sealed, void **sessions, unsigned char *names,
             unsigned name_size, int targets, int room, int fd, int *trouble)
{
    trouble[0] = trouble[1] = 0;
    for (int first = 0; first < targets; first += room) {
        int some = targets - first < room ? targets - first : room, entries = some * layout->runs;
        unsigned char *whither = names + (size_t)first * name_size;
        if (tray_load(tray, layout, sealed, sessions + first, whither, name_size, some) >= 0)
            return first;
        for (int done = 0, gone; done < entries; done += gone) {
            gone = tray_send(tray, fd, done, entries);
            if (gone <= 0) {
                trouble[0] = 1;
                trouble[1] = done;
                return first;
            }
        }
    }
    return targets;
}
