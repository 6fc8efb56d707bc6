// The kernel's numbers that binding/native.ts repeats, checked when the addon is compiled. A test compares both lists.
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

static_assert(SOCK_STREAM == 1);
static_assert(SOCK_DGRAM == 2);
static_assert(SOCK_SEQPACKET == 5);
static_assert(MSG_CTRUNC == 0x8);
static_assert(MSG_TRUNC == 0x20);
static_assert(SHUT_WR == 1);
static_assert(SO_TYPE == 3);
static_assert(SO_SNDBUF == 7);
static_assert(SO_PASSCRED == 16);
static_assert(SO_DOMAIN == 39);
static_assert(AF_UNIX == 1);
static_assert(F_SEAL_SEAL == 1);
static_assert(F_SEAL_SHRINK == 2);
static_assert(F_SEAL_GROW == 4);
static_assert(F_SEAL_WRITE == 8);
static_assert(O_ACCMODE == 3);
static_assert(O_RDWR == 2);
static_assert(sizeof(sockaddr_un::sun_path) == 108);

// Newer than the headers of some supported systems.
#ifdef F_SEAL_FUTURE_WRITE
static_assert(F_SEAL_FUTURE_WRITE == 16);
#endif
#ifdef SO_PASSPIDFD
static_assert(SO_PASSPIDFD == 76);
#endif
#ifdef SO_PASSRIGHTS
static_assert(SO_PASSRIGHTS == 83);
#endif
