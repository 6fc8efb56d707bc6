#include "reactor.h"

#include <errno.h>

#include <algorithm>

#include "closer.h"
#include "errors.h"
#include "threads.h"

namespace addon {

namespace {

// Node.js may free the loop as soon as every asynchronous cleanup hook is removed. So the hook is removed after libuv
// has closed the last handle.
struct Closing {
  napi_async_cleanup_hook_handle hook;
  int handles;
};

template <typename Handle>
void close_handle(Handle* handle, Closing* closing) {
  handle->data = closing;
  uv_close(reinterpret_cast<uv_handle_t*>(handle), [](uv_handle_t* closed) {
    auto* state = static_cast<Closing*>(closed->data);
    delete reinterpret_cast<Handle*>(closed);
    if (--state->handles > 0) return;
    napi_remove_async_cleanup_hook(state->hook);
    delete state;
  });
}

}  // namespace

std::shared_ptr<Reactor> Reactor::create(Napi::Env env) {
  std::shared_ptr<Reactor> reactor(new Reactor(env));
  reactor->start();
  return reactor;
}

void Reactor::start() {
  epoll_ = checked(env_, epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
  uv_loop_s* loop = nullptr;
  napi_get_uv_event_loop(env_, &loop);
  poll_handle_ = new uv_poll_t;
  int error = uv_poll_init(loop, poll_handle_, epoll_);
  if (error != 0) {
    delete poll_handle_;
    throw_errno(env_, -error, "epoll_ctl");
  }
  idle_handle_ = new uv_idle_t;
  uv_idle_init(loop, idle_handle_);
  poll_handle_->data = this;
  idle_handle_->data = this;
  uv_unref(reinterpret_cast<uv_handle_t*>(poll_handle_));
  uv_unref(reinterpret_cast<uv_handle_t*>(idle_handle_));
  uv_poll_start(poll_handle_, UV_READABLE,
                [](uv_poll_t* handle, int, int) { static_cast<Reactor*>(handle->data)->poll(); });
  running_ = true;
  auto* self = new std::shared_ptr<Reactor>(shared_from_this());
  napi_add_async_cleanup_hook(
      env_,
      [](napi_async_cleanup_hook_handle hook, void* argument) {
        auto* reactor = static_cast<std::shared_ptr<Reactor>*>(argument);
        (*reactor)->stop(hook);
        delete reactor;
      },
      self, nullptr);
}

void Reactor::stop(napi_async_cleanup_hook_handle hook) {
  running_ = false;
  batch_next_ = batch_size_ = 0;
  for (Source* source : queue_) source->queued_ = false;
  queue_.clear();
  // Stop polling before the descriptor is closed.
  uv_poll_stop(poll_handle_);
  auto* closing = new Closing{hook, 2};
  close_handle(poll_handle_, closing);
  close_handle(idle_handle_, closing);
  poll_handle_ = nullptr;
  idle_handle_ = nullptr;
  give_up_epoll();
}

Reactor::~Reactor() {
  give_up_epoll();
}

// An epoll refers to the files in it, so its close can wait for them. On the main thread the process exits next, and
// the kernel closes.
void Reactor::give_up_epoll() {
  if (epoll_ != -1 && !is_main_thread()) hand_over({&epoll_, 1}, ClosingKind::kOthers);
  epoll_ = -1;
}

int Reactor::add(int fd, uint32_t events, Source* source) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = source;
  return epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
}

int Reactor::modify(int fd, uint32_t events, Source* source) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = source;
  return epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &event);
}

void Reactor::remove(int fd, Source* source) {
  forget(source);
  if (running_) epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
}

// A source may be destroyed while the current batch has events for it.
void Reactor::forget(Source* source) {
  for (size_t i = batch_next_; i < batch_size_; ++i) {
    if (batch_[i].data.ptr == source) batch_[i].data.ptr = nullptr;
  }
  if (source->queued_) {
    queue_.erase(std::find(queue_.begin(), queue_.end(), source));
    source->queued_ = false;
  }
}

void Reactor::queue(Source* source) {
  if (!running_ || source->queued_) return;
  source->queued_ = true;
  queue_.push_back(source);
  uv_idle_start(idle_handle_, [](uv_idle_t* handle) { static_cast<Reactor*>(handle->data)->run_queue(); });
}

void Reactor::ref() {
  if (references_++ == 0 && running_) {
    uv_ref(reinterpret_cast<uv_handle_t*>(poll_handle_));
    uv_ref(reinterpret_cast<uv_handle_t*>(idle_handle_));
  }
}

void Reactor::unref() {
  if (--references_ == 0 && running_) {
    uv_unref(reinterpret_cast<uv_handle_t*>(poll_handle_));
    uv_unref(reinterpret_cast<uv_handle_t*>(idle_handle_));
  }
}

// Handles at most 64 events per loop iteration. The epoll stays readable while more are pending, so libuv calls back in
// the next iteration, after other handles have run.
void Reactor::poll() {
  auto alive = shared_from_this();
  int count = epoll_wait(epoll_, batch_.data(), static_cast<int>(batch_.size()), 0);
  if (count <= 0) return;
  batch_size_ = static_cast<size_t>(count);
  for (batch_next_ = 0; batch_next_ < batch_size_;) {
    epoll_event event = batch_[batch_next_++];
    if (event.data.ptr != nullptr) call(static_cast<Source*>(event.data.ptr), event.events);
  }
  batch_next_ = batch_size_ = 0;
}

// Calls each queued source once. A source that queues itself again waits for the next iteration.
void Reactor::run_queue() {
  auto alive = shared_from_this();
  for (size_t round = queue_.size(); round > 0 && !queue_.empty(); --round) {
    Source* source = queue_.front();
    queue_.pop_front();
    source->queued_ = false;
    call(source, 0);
  }
  if (queue_.empty() && running_) uv_idle_stop(idle_handle_);
}

void Reactor::call(Source* source, uint32_t events) {
  Napi::HandleScope scope(env_);
  try {
    source->on_events(events);
  } catch (const Napi::Error& error) {
    // Emits 'uncaughtException', as for any callback of the event loop.
    napi_fatal_exception(env_, error.Value());
  }
}

}  // namespace addon
