#include "errno_names.h"

#include <errno.h>

namespace addon {

namespace {

struct Row {
  int number;
  ErrnoName name;
};

// test/src/native/mirrors.test.ts compares the rows with util.getSystemErrorMap().
#define ROW(name, text) \
  {                     \
    name, {             \
      #name, text       \
    }                   \
  }
constexpr Row kRows[] = {
    ROW(EPERM, "operation not permitted"),
    ROW(ENOENT, "no such file or directory"),
    ROW(ESRCH, "no such process"),
    ROW(EINTR, "interrupted system call"),
    ROW(EIO, "i/o error"),
    ROW(ENXIO, "no such device or address"),
    ROW(E2BIG, "argument list too long"),
    ROW(EBADF, "bad file descriptor"),
    ROW(EAGAIN, "resource temporarily unavailable"),
    ROW(ENOMEM, "not enough memory"),
    ROW(EACCES, "permission denied"),
    ROW(EFAULT, "bad address in system call argument"),
    ROW(EBUSY, "resource busy or locked"),
    ROW(EEXIST, "file already exists"),
    ROW(EXDEV, "cross-device link not permitted"),
    ROW(ENODEV, "no such device"),
    ROW(ENOTDIR, "not a directory"),
    ROW(EISDIR, "illegal operation on a directory"),
    ROW(EINVAL, "invalid argument"),
    ROW(ENFILE, "file table overflow"),
    ROW(EMFILE, "too many open files"),
    ROW(ENOTTY, "inappropriate ioctl for device"),
    ROW(ETXTBSY, "text file is busy"),
    ROW(EFBIG, "file too large"),
    ROW(ENOSPC, "no space left on device"),
    ROW(ESPIPE, "invalid seek"),
    ROW(EROFS, "read-only file system"),
    ROW(EMLINK, "too many links"),
    ROW(EPIPE, "broken pipe"),
    ROW(ERANGE, "result too large"),
    ROW(ENAMETOOLONG, "name too long"),
    ROW(ENOSYS, "function not implemented"),
    ROW(ENOTEMPTY, "directory not empty"),
    ROW(ELOOP, "too many symbolic links encountered"),
    ROW(EUNATCH, "protocol driver not attached"),
    ROW(ENODATA, "no data available"),
    ROW(ENONET, "machine is not on the network"),
    ROW(EPROTO, "protocol error"),
    ROW(EOVERFLOW, "value too large for defined data type"),
    ROW(EILSEQ, "illegal byte sequence"),
    ROW(ENOTSOCK, "socket operation on non-socket"),
    ROW(EDESTADDRREQ, "destination address required"),
    ROW(EMSGSIZE, "message too long"),
    ROW(EPROTOTYPE, "protocol wrong type for socket"),
    ROW(ENOPROTOOPT, "protocol not available"),
    ROW(EPROTONOSUPPORT, "protocol not supported"),
    ROW(ESOCKTNOSUPPORT, "socket type not supported"),
    ROW(ENOTSUP, "operation not supported on socket"),
    ROW(EAFNOSUPPORT, "address family not supported"),
    ROW(EADDRINUSE, "address already in use"),
    ROW(EADDRNOTAVAIL, "address not available"),
    ROW(ENETDOWN, "network is down"),
    ROW(ENETUNREACH, "network is unreachable"),
    ROW(ECONNABORTED, "software caused connection abort"),
    ROW(ECONNRESET, "connection reset by peer"),
    ROW(ENOBUFS, "no buffer space available"),
    ROW(EISCONN, "socket is already connected"),
    ROW(ENOTCONN, "socket is not connected"),
    ROW(ESHUTDOWN, "cannot send after transport endpoint shutdown"),
    ROW(ETOOMANYREFS, "too many references: cannot splice"),
    ROW(ETIMEDOUT, "connection timed out"),
    ROW(ECONNREFUSED, "connection refused"),
    ROW(EHOSTDOWN, "host is down"),
    ROW(EHOSTUNREACH, "host is unreachable"),
    ROW(EALREADY, "connection already in progress"),
    ROW(ESTALE, "stale file handle"),
    ROW(EREMOTEIO, "remote I/O error"),
    ROW(EDQUOT, "disk quota exceeded"),
    ROW(ECANCELED, "operation canceled"),
};
#undef ROW

}  // namespace

ErrnoName errno_name(int error) {
  for (const Row& row : kRows) {
    if (row.number == error) return row.name;
  }
  return {nullptr, nullptr};
}

}  // namespace addon
