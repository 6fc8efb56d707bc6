// Private directories, and what becomes of files that an environment made: mkdtemp.
#include <errno.h>
#include <stdlib.h>

#include <string>
#include <utility>
#include <vector>

#include "environment.h"
#include "errors.h"
#include "families.h"

namespace addon {

namespace {

Napi::Value make_directory(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  std::string path = info[0].As<Napi::String>().Utf8Value() + "XXXXXX";
  auto given = info[1].As<Napi::Array>();
  std::vector<std::string> names;
  for (uint32_t i = 0; i < given.Length(); ++i) names.push_back(given.Get(i).As<Napi::String>().Utf8Value());
  if (mkdtemp(path.data()) == nullptr) throw_errno(env, errno, "mkdtemp");
  Environment::of(env).files.own(path, std::move(names));
  return Napi::String::New(env, path);
}

void disown_file(const Napi::CallbackInfo& info) {
  Environment::of(info.Env()).files.disown(info[0].As<Napi::String>().Utf8Value());
}

}  // namespace

void define_files(Napi::Env env, Napi::Object exports) {
  define(env, exports, "makeDirectory", make_directory);
  define(env, exports, "disownFile", disown_file);
}

}  // namespace addon
