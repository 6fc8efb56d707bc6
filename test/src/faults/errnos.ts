// What each system call can answer besides success: the ERRORS of its man page, and of unix(7) where that adds some.
//
// Left out is what the kernel does not answer in this place, so that to survive it would prove nothing: EAGAIN of a read
// from a terminal that is polled edge-triggered (bytes that are there raised their event before), ENOTCONN of a shutdown
// while the peer is there (it would wait for an end that never comes), and EFAULT, which is a wrong address of our own.
import { constants } from "node:os";

const MAN_PAGES: Readonly<Record<string, string>> = {
  socket: "EACCES EAFNOSUPPORT EINVAL EMFILE ENFILE ENOBUFS ENOMEM EPROTONOSUPPORT",
  socketpair: "EAFNOSUPPORT EMFILE ENFILE EOPNOTSUPP EPROTONOSUPPORT",
  bind: "EACCES EADDRINUSE EADDRNOTAVAIL EBADF EINVAL ELOOP ENAMETOOLONG ENOENT ENOMEM ENOTDIR ENOTSOCK EROFS",
  connect: "EACCES EAGAIN EBADF ECONNREFUSED EINTR EISCONN ENOENT ENOTSOCK EPERM EPROTOTYPE ETIMEDOUT",
  // vsock(7), and what virtio and vhost answer. The last two say that it is under way.
  vsock_connect: "EACCES EBADF ECONNREFUSED ECONNRESET EHOSTUNREACH ENODEV ENOTSOCK EPIPE ETIMEDOUT EINPROGRESS EINTR",
  listen: "EADDRINUSE EBADF ENOTSOCK EOPNOTSUPP",
  accept4: "EAGAIN EBADF ECONNABORTED EINTR EINVAL EMFILE ENFILE ENOBUFS ENOMEM ENOTSOCK EOPNOTSUPP EPERM EPROTO",
  shutdown: "EBADF EINVAL ENOTSOCK",
  getsockopt: "EBADF EINVAL ENOPROTOOPT ENOTSOCK",
  setsockopt: "EBADF EINVAL ENOPROTOOPT ENOTSOCK",
  getsockname: "EBADF EINVAL ENOBUFS ENOTSOCK",
  getpeername: "EBADF EINVAL ENOBUFS ENOTCONN ENOTSOCK",
  sendmsg:
    "EACCES EAGAIN EBADF ECONNRESET EDESTADDRREQ EINTR EINVAL EISCONN EMSGSIZE ENOBUFS ENOMEM ENOTCONN ENOTSOCK " +
    "EOPNOTSUPP EPERM EPIPE ETOOMANYREFS",
  recvmsg: "EAGAIN EBADF ECONNREFUSED ECONNRESET EINTR EINVAL ENOMEM ENOTCONN ENOTSOCK",
  read: "EBADF EINTR EINVAL EIO EISDIR",
  write: "EAGAIN EBADF EDQUOT EFBIG EINTR EINVAL EIO ENOSPC EPERM EPIPE",
  close: "EBADF EDQUOT EINTR EIO ENOSPC",
  close_range: "EINVAL EMFILE ENOMEM ENOSYS EPERM",
  fcntl: "EACCES EAGAIN EBADF EINVAL EMFILE EPERM",
  flock: "EBADF EINTR EINVAL ENOLCK EWOULDBLOCK",
  dup2: "EBADF EBUSY EINTR EMFILE",
  open: "EACCES ELOOP EMFILE ENAMETOOLONG ENFILE ENODEV ENOENT ENOMEM ENOTDIR ENXIO EPERM EROFS",
  openat: "EACCES EBADF ELOOP EMFILE ENFILE ENODEV ENOENT ENOMEM ENOTDIR ENXIO EPERM",
  openat2: "E2BIG EACCES EAGAIN EINVAL ELOOP EMFILE ENFILE ENOENT ENOMEM ENOSYS EPERM EXDEV",
  epoll_ctl: "EBADF EEXIST EINVAL ELOOP ENOENT ENOMEM ENOSPC EPERM",
  epoll_wait: "EBADF EINTR EINVAL",
  statx: "EACCES EBADF EINVAL ENOENT ENOMEM ENOSYS",
  fstat: "EACCES EBADF ENOMEM EOVERFLOW",
  fstatat: "EACCES EBADF EINVAL ENOENT ENOMEM",
  fstatfs: "EBADF EINTR EIO ENOMEM ENOSYS",
  ioctl: "EBADF EINVAL EIO ENOTTY EPERM",
  tcgetattr: "EBADF EIO ENOTTY",
  tcsetattr: "EBADF EINTR EINVAL EIO ENOTTY",
  getrlimit: "EINVAL EPERM",
  getsid: "EPERM ESRCH",
  pidfd_open: "EINVAL EMFILE ENFILE ENODEV ENOMEM ESRCH",
  pidfd_send_signal: "EBADF EINVAL EPERM ESRCH",
  waitid: "ECHILD EINTR EINVAL",
  eventfd: "EINVAL EMFILE ENFILE ENODEV ENOMEM",
  ftruncate: "EBADF EFBIG EINTR EINVAL EIO EPERM",
  memfd_create: "EINVAL EMFILE ENFILE ENOMEM",
  fork: "EAGAIN ENOMEM ENOSYS",
  pipe2: "EMFILE ENFILE",
  poll: "EINTR EINVAL ENOMEM",
  sendto: "EAGAIN EBADF ECONNRESET EINTR EINVAL ENOBUFS ENOMEM ENOTSOCK EPIPE",
  epoll_create1: "EINVAL EMFILE ENFILE ENOMEM",
  epoll_pwait: "EBADF EINTR EINVAL",
  signalfd4: "EBADF EINVAL EMFILE ENFILE ENODEV ENOMEM",
  rt_sigtimedwait: "EINTR",
  prctl: "EACCES EINVAL EPERM",
  setsid: "EPERM",
  sched_setscheduler: "EINVAL EPERM ESRCH",
  setitimer: "EINVAL",
  kill: "EINVAL EPERM ESRCH",
  recvfrom: "EAGAIN EBADF ECONNRESET EINTR EINVAL ENOMEM ENOTSOCK",
  chdir: "EACCES EIO ELOOP ENOENT ENOMEM ENOTDIR",
  access: "EACCES EIO ELOOP ENAMETOOLONG ENOENT ENOMEM ENOTDIR EROFS",
  mkdir: "EACCES EDQUOT ENOENT ENOMEM ENOSPC ENOTDIR EROFS",
  fchmod: "EBADF EIO ENOENT ENOMEM EPERM EROFS",
  unlink: "EACCES EBUSY EIO ENOENT ENOMEM EPERM EROFS",
  rmdir: "EACCES EBUSY ENOENT ENOMEM ENOTEMPTY EPERM EROFS",
};

// Node has no name for it.
const ETOOMANYREFS = 109;

/** Names and numbers of what `call` can answer. Throws for a call that nobody has looked up. */
export function errnosOf(call: string): { name: string; number: number }[] {
  const names = MAN_PAGES[call];
  if (names === undefined) throw new Error(`what ${call} can answer is not in the table: look it up in its man page`);
  return names.split(" ").map((name) => {
    const number = name === "ETOOMANYREFS" ? ETOOMANYREFS : (constants.errno as Record<string, number>)[name];
    if (number === undefined) throw new Error(`no such errno: ${name}`);
    return { name, number };
  });
}
