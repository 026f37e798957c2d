/* SRTP's AES-128-GCM (RFC 7714) for who sends: the bytes that libsrtp's srtp_protect makes, from 384 bytes of
   memory a session instead of some 3 KB here and there.

   With hundreds of viewers each session is cold when its turn comes, so much of what a packet costs is memory
   that must be fetched. Here it is six cache lines side by side, which burst.c asks for ahead. Only for
   processors that do AES and products without carry on two blocks at once; all others have libsrtp, and
   seal.py compares the two before it trusts this one. */
#define _DEFAULT_SOURCE /* explicit_bzero */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* WITHOUT_SEAL is for compilers that do not know these processors. */
#if defined(__x86_64__) && !defined(WITHOUT_SEAL)
#include <cpuid.h>
#include <immintrin.h>

#define WIDE __attribute__((target("avx2,aes,pclmul,vaes,vpclmulqdq")))
#define INLINE WIDE __attribute__((always_inline)) static inline
#define BLOCK 16        /* bytes, of AES and of the tag */
#define TURN 8          /* blocks done at a time, in pairs */
#define STREAMS 4       /* SSRCs of one session */
#define REMEMBERED 1024 /* packets back that may be sent again, as with our sessions of libsrtp */

/* `highest`: the index (RFC 3711 section 3.3.1) of the newest packet. */
struct stream { uint32_t ssrc, used; int64_t highest; };

/* `power`: of the hash key, the eighth first. `salt`: as a first counter block, with its one at the end. */
struct seal {
    __m128i round[11];
    __m128i power[TURN];
    __m128i salt;
    struct stream stream[STREAMS];
};

/* A product without carry before it is reduced, of one block or of two at once. */
struct sums { __m128i low, middle, high; };
struct pairs { __m256i low, middle, high; };

/* -- GHASH: its bits are mirrored, so with the bytes swapped a product comes out shifted by one. Therefore the
   powers are multiplied by x beforehand, and the modulus is x^128 + x^7 + x^2 + x + 1 mirrored. ---------- */

INLINE __m128i swapping(void) { return _mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15); }

INLINE __m128i modulus(void) { return _mm_set_epi64x((long long)0xc200000000000000, 1); }

INLINE __m128i reduced(struct sums sums)
{
    __m128i half = sums.middle ^ _mm_shuffle_epi32(sums.low, 0x4e) ^
                   _mm_clmulepi64_si128(sums.low, modulus(), 0x10);
    return sums.high ^ _mm_shuffle_epi32(half, 0x4e) ^ _mm_clmulepi64_si128(half, modulus(), 0x10);
}

INLINE void add_product(struct sums *sums, __m128i one, __m128i other)
{
    sums->low ^= _mm_clmulepi64_si128(one, other, 0x00);
    sums->middle ^= _mm_clmulepi64_si128(one, other, 0x01) ^ _mm_clmulepi64_si128(one, other, 0x10);
    sums->high ^= _mm_clmulepi64_si128(one, other, 0x11);
}

INLINE void add_products(struct pairs *sums, __m256i one, __m256i other)
{
    sums->low ^= _mm256_clmulepi64_epi128(one, other, 0x00);
    sums->middle ^= _mm256_clmulepi64_epi128(one, other, 0x01) ^ _mm256_clmulepi64_epi128(one, other, 0x10);
    sums->high ^= _mm256_clmulepi64_epi128(one, other, 0x11);
}

INLINE __m128i both(__m256i pair) { return _mm256_castsi256_si128(pair) ^ _mm256_extracti128_si256(pair, 1); }

/* The hash after one to TURN more blocks. */
INLINE __m128i hashed(const struct seal *seal, __m128i hash, const __m128i *blocks, int count)
{
    struct sums sums = {0};
    for (int i = 0; i < count; i++) {
        __m128i block = _mm_shuffle_epi8(blocks[i], swapping());
        if (i == 0)
            block ^= hash;
        add_product(&sums, block, seal->power[TURN - count + i]);
    }
    return reduced(sums);
}

/* The hash after TURN more blocks. */
INLINE __m128i hashed_turn(const struct seal *seal, __m128i hash, const __m256i *blocks)
{
    struct pairs sums = {0};
    for (int i = 0; i < TURN / 2; i++) {
        __m256i block = _mm256_shuffle_epi8(blocks[i], _mm256_broadcastsi128_si256(swapping()));
        if (i == 0)
            block ^= _mm256_zextsi128_si256(hash);
        add_products(&sums, block, _mm256_loadu_si256((const __m256i *)(seal->power + 2 * i)));
    }
    return reduced((struct sums){both(sums.low), both(sums.middle), both(sums.high)});
}

/* -- AES ------------------------------------------------------------------------------------------------ */

INLINE __m128i encrypted(const __m128i *round, __m128i block)
{
    block ^= round[0];
    for (int i = 1; i < 10; i++)
        block = _mm_aesenc_si128(block, round[i]);
    return _mm_aesenclast_si128(block, round[10]);
}

/* TURN blocks of the key stream. `counter` holds the first two, with swapped bytes. */
INLINE void key_stream(const __m128i *round, __m256i counter, __m256i *out)
{
    __m256i key = _mm256_broadcastsi128_si256(round[0]);
    for (int k = 0; k < TURN / 2; k++) {
        __m256i count = _mm256_add_epi32(counter, _mm256_set_epi32(0, 0, 0, 2 * k, 0, 0, 0, 2 * k));
        out[k] = _mm256_shuffle_epi8(count, _mm256_broadcastsi128_si256(swapping())) ^ key;
    }
    for (int i = 1; i < 10; i++) {
        key = _mm256_broadcastsi128_si256(round[i]);
        for (int k = 0; k < TURN / 2; k++)
            out[k] = _mm256_aesenc_epi128(out[k], key);
    }
    key = _mm256_broadcastsi128_si256(round[10]);
    for (int k = 0; k < TURN / 2; k++)
        out[k] = _mm256_aesenclast_epi128(out[k], key);
}

INLINE __m128i next_round(__m128i key, __m128i assist)
{
    key ^= _mm_slli_si128(key, 4);
    key ^= _mm_slli_si128(key, 8);
    return key ^ _mm_shuffle_epi32(assist, 0xff);
}

WIDE static void expand(__m128i *round, const unsigned char *key)
{
    round[0] = _mm_loadu_si128((const __m128i *)key);
#define ROUND(n, constant) round[n] = next_round(round[n - 1], _mm_aeskeygenassist_si128(round[n - 1], constant))
    ROUND(1, 0x01); ROUND(2, 0x02); ROUND(3, 0x04); ROUND(4, 0x08); ROUND(5, 0x10);
    ROUND(6, 0x20); ROUND(7, 0x40); ROUND(8, 0x80); ROUND(9, 0x1b); ROUND(10, 0x36);
#undef ROUND
}

/* -- SRTP ----------------------------------------------------------------------------------------------- */

/* 16 bytes of key material by label (RFC 3711 section 4.3, with the short salt of RFC 7714 section 11). */
WIDE static void derive(const __m128i *master, const unsigned char *salt, int label, unsigned char *out)
{
    unsigned char block[BLOCK] = {0};
    memcpy(block, salt, 12);
    block[7] ^= label;
    _mm_storeu_si128((__m128i *)out, encrypted(master, _mm_loadu_si128((const __m128i *)block)));
}

/* Whether this processor can: VAES and VPCLMULQDQ are bits 9 and 10, which older compilers cannot ask by name. */
int seal_possible(void)
{
    unsigned a, b, c, d;
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("aes") && __builtin_cpu_supports("pclmul") &&
           __get_cpuid_count(7, 0, &a, &b, &c, &d) && (c >> 9 & 3) == 3;
}

/* A session from its master key, 16 bytes, and salt, 12. NULL if there is no memory. */
WIDE struct seal *seal_new(const unsigned char *key, const unsigned char *salt)
{
    struct seal *seal = aligned_alloc(64, sizeof *seal);
    unsigned char found[BLOCK];
    __m128i master[11];
    if (!seal)
        return NULL;
    memset(seal, 0, sizeof *seal);
    expand(master, key);
    derive(master, salt, 2, found);
    memcpy(found + 12, (unsigned char[]){0, 0, 0, 1}, 4);
    seal->salt = _mm_loadu_si128((const __m128i *)found);
    derive(master, salt, 0, found);
    expand(seal->round, found);
    explicit_bzero(master, sizeof master);
    explicit_bzero(found, sizeof found);
    __m128i hash = _mm_shuffle_epi8(encrypted(seal->round, _mm_setzero_si128()), swapping());
    /* Times x: shifted by one over both halves, and reduced if a bit was lost. */
    __m128i lost = _mm_srli_epi64(hash, 63);
    hash = _mm_slli_epi64(hash, 1) ^ _mm_slli_si128(lost, 8) ^
           (_mm_set1_epi64x(-_mm_extract_epi64(lost, 1)) & modulus());
    seal->power[TURN - 1] = hash;
    for (int i = TURN - 2; i >= 0; i--) {
        struct sums sums = {0};
        add_product(&sums, seal->power[i + 1], hash);
        seal->power[i] = reduced(sums);
    }
    return seal;
}

void seal_free(struct seal *seal)
{
    explicit_bzero(seal, sizeof *seal);
    free(seal);
}

int seal_size(void) { return sizeof(struct seal); }

/* The index of a packet by its number: the nearest to the newest. Below 0 if it is too old, from before the first
   (which libsrtp, in its first 32,768 packets, takes for one far ahead), or of one SSRC too many. */
static int64_t numbered(struct seal *seal, uint32_t ssrc, uint16_t number)
{
    struct stream *stream = seal->stream, *end = seal->stream + STREAMS;
    while (stream < end && stream->used && stream->ssrc != ssrc)
        stream++;
    if (stream == end)
        return -1;
    if (!stream->used)
        *stream = (struct stream){ssrc, 1, number};
    int64_t index = stream->highest + (int16_t)(number - (uint16_t)stream->highest);
    if (index > stream->highest)
        stream->highest = index;
    return index > stream->highest - REMEMBERED ? index : -1;
}

/* The bytes of an RTP header (RFC 3550 section 5.1), as far as it is there: if not, more than `size`. */
static int header_size(const unsigned char *packet, int size)
{
    int fixed = size < 12 ? 12 : 12 + 4 * (packet[0] & 15), extended = size < 12 ? 0 : packet[0] & 16;
    if (!extended || fixed + 4 > size)
        return fixed + (extended ? 4 : 0);
    return fixed + 4 + 4 * (packet[fixed + 2] << 8 | packet[fixed + 3]);
}

/* A block as far as it holds `bytes`, 1 to BLOCK; zeros behind. */
INLINE __m128i first_of(__m128i block, int bytes)
{
    static const unsigned char mask[2 * BLOCK] = {
        255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255};
    return block & _mm_loadu_si128((const __m128i *)(mask + BLOCK - bytes));
}

/* What `srtp_protect` makes of a packet, written elsewhere: 0 if so, and `length` has grown by the tag. Whole
   blocks are read and written, so some of the BLOCK bytes behind the packet are read, too; what is written there
   is overwritten by the tag. */
WIDE int seal_packet(struct seal *seal, const unsigned char *packet, unsigned char *out, int *length)
{
    _Alignas(32) __m128i scratch[TURN];
    int size = *length, header = header_size(packet, size);
    if (header > size || header > TURN * BLOCK)
        return 1;
    uint32_t ssrc;
    memcpy(&ssrc, packet + 8, sizeof ssrc);
    int64_t index = numbered(seal, ssrc, packet[2] << 8 | packet[3]);
    if (index < 0)
        return 1;

    /* RFC 7714 section 8.1: two zeros, SSRC, index (roll-over counter and number), by the salt. */
    unsigned char first[BLOCK] = {0};
    uint64_t big = __builtin_bswap64((uint64_t)index << 16);
    memcpy(first + 2, packet + 8, 4);
    memcpy(first + 6, &big, 6);
    __m128i start = _mm_loadu_si128((const __m128i *)first) ^ seal->salt, mask = encrypted(seal->round, start);
    __m256i counter = _mm256_add_epi32(
        _mm256_broadcastsi128_si256(_mm_shuffle_epi8(start, swapping())), _mm256_set_epi32(0, 0, 0, 2, 0, 0, 0, 1));
    __m256i stream[TURN / 2];

    int blocks = (header + BLOCK - 1) / BLOCK, at = header;
    for (int i = 0; i < blocks; i++) {
        scratch[i] = _mm_loadu_si128((const __m128i *)packet + i);
        _mm_storeu_si128((__m128i *)out + i, scratch[i]);
    }
    scratch[blocks - 1] = first_of(scratch[blocks - 1], header - BLOCK * (blocks - 1));
    __m128i hash = hashed(seal, _mm_setzero_si128(), scratch, blocks);
    for (; size - at >= TURN * BLOCK; at += TURN * BLOCK) {
        key_stream(seal->round, counter, stream);
        for (int k = 0; k < TURN / 2; k++) {
            stream[k] ^= _mm256_loadu_si256((const __m256i *)(packet + at) + k);
            _mm256_storeu_si256((__m256i *)(out + at) + k, stream[k]);
        }
        hash = hashed_turn(seal, hash, stream);
        counter = _mm256_add_epi32(counter, _mm256_set_epi32(0, 0, 0, TURN, 0, 0, 0, TURN));
    }

    key_stream(seal->round, counter, stream);
    for (int k = 0; k < TURN / 2; k++)
        _mm256_store_si256((__m256i *)scratch + k, stream[k]);
    blocks = (size - at + BLOCK - 1) / BLOCK;
    for (int i = 0; i < blocks; i++) {
        scratch[i] ^= _mm_loadu_si128((const __m128i *)(packet + at) + i);
        _mm_storeu_si128((__m128i *)(out + at) + i, scratch[i]);
    }
    if (blocks > 0)
        scratch[blocks - 1] = first_of(scratch[blocks - 1], size - at - BLOCK * (blocks - 1));
    if (blocks == TURN) { /* no power for one more */
        hash = hashed(seal, hash, scratch, TURN);
        blocks = 0;
    }
    scratch[blocks] = _mm_set_epi64x(__builtin_bswap64((uint64_t)(size - header) * 8),
                                     __builtin_bswap64((uint64_t)header * 8));
    hash = hashed(seal, hash, scratch, blocks + 1);
    _mm_storeu_si128((__m128i *)(out + size), _mm_shuffle_epi8(hash, swapping()) ^ mask);
    *length = size + BLOCK;
    return 0;
}

#else
int seal_possible(void) { return 0; }
#endif
