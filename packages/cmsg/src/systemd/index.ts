// What a service has to do with systemd: sockets it is started with, and what it tells back. sd_listen_fds(3), sd_notify(3).

export { LISTEN_FDS_START, type ListenFdsOptions, listenFds, type PassedFd } from "./listen-fds.js";
export { listenOn } from "./listen-on.js";
export {
  barrier,
  type NotifyOptions,
  notify,
  removeStoredFds,
  type ServiceState,
  type StoreOptions,
  storeFds,
  watchdogTimeoutMs,
} from "./notify.js";
