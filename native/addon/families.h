// The families of system calls. Each file adds its functions to the addon's exports; binding/native.ts documents them.
#pragma once

#include <napi.h>

namespace addon {

void define_descriptors(Napi::Env env, Napi::Object exports);
void define_errors(Napi::Env env, Napi::Object exports);
void define_closing(Napi::Env env, Napi::Object exports);
void define_files(Napi::Env env, Napi::Object exports);
void define_sockets(Napi::Env env, Napi::Object exports);
void define_vsock(Napi::Env env, Napi::Object exports);
void define_messages(Napi::Env env, Napi::Object exports);
void define_creation(Napi::Env env, Napi::Object exports);
void define_processes(Napi::Env env, Napi::Object exports);
void define_starting(Napi::Env env, Napi::Object exports);
void define_terminals(Napi::Env env, Napi::Object exports);
void define_sessions(Napi::Env env, Napi::Object exports);
void define_scheduling(Napi::Env env, Napi::Object exports);
void define_consoles(Napi::Env env, Napi::Object exports);
void define_pty_allocation(Napi::Env env, Napi::Object exports);

template <typename Function>
void define(Napi::Env env, Napi::Object exports, const char* name, Function function) {
  exports.Set(name, Napi::Function::New(env, function, name));
}

}  // namespace addon
