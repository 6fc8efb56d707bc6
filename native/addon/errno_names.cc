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
    ROW(EREMOTEIO, "remote I/O error"),
    ROW(ECANCELED, "operation canceled"),
    // Node.js has no names for these.
    ROW(EDQUOT, "disk quota exceeded"),
    ROW(ESTALE, "stale file handle"),
    ROW(ENOEXEC, "exec format error"),
    ROW(ECHILD, "no child processes"),
    ROW(ENOTBLK, "block device required"),
    ROW(EDOM, "numerical argument out of domain"),
    ROW(EDEADLK, "resource deadlock avoided"),
    ROW(ENOLCK, "no locks available"),
    ROW(ENOMSG, "no message of desired type"),
    ROW(EIDRM, "identifier removed"),
    ROW(ECHRNG, "channel number out of range"),
    ROW(EL2NSYNC, "level 2 not synchronized"),
    ROW(EL3HLT, "level 3 halted"),
    ROW(EL3RST, "level 3 reset"),
    ROW(ELNRNG, "link number out of range"),
    ROW(ENOCSI, "no CSI structure available"),
    ROW(EL2HLT, "level 2 halted"),
    ROW(EBADE, "invalid exchange"),
    ROW(EBADR, "invalid request descriptor"),
    ROW(EXFULL, "exchange full"),
    ROW(ENOANO, "no anode"),
    ROW(EBADRQC, "invalid request code"),
    ROW(EBADSLT, "invalid slot"),
    ROW(EBFONT, "bad font file format"),
    ROW(ENOSTR, "device not a stream"),
    ROW(ETIME, "timer expired"),
    ROW(ENOSR, "out of streams resources"),
    ROW(ENOPKG, "package not installed"),
    ROW(EREMOTE, "object is remote"),
    ROW(ENOLINK, "link has been severed"),
    ROW(EADV, "advertise error"),
    ROW(ESRMNT, "srmount error"),
    ROW(ECOMM, "communication error on send"),
    ROW(EMULTIHOP, "multihop attempted"),
    ROW(EDOTDOT, "RFS specific error"),
    ROW(EBADMSG, "bad message"),
    ROW(ENOTUNIQ, "name not unique on network"),
    ROW(EBADFD, "file descriptor in bad state"),
    ROW(EREMCHG, "remote address changed"),
    ROW(ELIBACC, "can not access a needed shared library"),
    ROW(ELIBBAD, "accessing a corrupted shared library"),
    ROW(ELIBSCN, "corrupted .lib section in a.out"),
    ROW(ELIBMAX, "attempting to link in too many shared libraries"),
    ROW(ELIBEXEC, "cannot exec a shared library directly"),
    ROW(ERESTART, "interrupted system call should be restarted"),
    ROW(ESTRPIPE, "streams pipe error"),
    ROW(EUSERS, "too many users"),
    ROW(EPFNOSUPPORT, "protocol family not supported"),
    ROW(ENETRESET, "network dropped connection on reset"),
    ROW(EINPROGRESS, "operation now in progress"),
    ROW(EUCLEAN, "structure needs cleaning"),
    ROW(ENOTNAM, "not a XENIX named type file"),
    ROW(ENAVAIL, "no XENIX semaphores available"),
    ROW(EISNAM, "is a named type file"),
    ROW(ENOMEDIUM, "no medium found"),
    ROW(EMEDIUMTYPE, "wrong medium type"),
    ROW(ENOKEY, "required key not available"),
    ROW(EKEYEXPIRED, "key has expired"),
    ROW(EKEYREVOKED, "key has been revoked"),
    ROW(EKEYREJECTED, "key was rejected by service"),
    ROW(EOWNERDEAD, "owner died"),
    ROW(ENOTRECOVERABLE, "state not recoverable"),
    ROW(ERFKILL, "operation not possible due to RF-kill"),
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
