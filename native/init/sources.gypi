{
  "variables": {
    "init_sources": [
      "common/control_message.cc",
      "common/devpts.cc",
      "common/proc_fd.cc",
      "common/pty.cc",
      "init/command.cc",
      "init/console_socket.cc",
      "init/descriptors.cc",
      "init/main.cc",
      "init/message.cc",
      "init/options.cc",
      "init/session.cc",
      "init/stand_in.cc",
      "init/terminal.cc"
    ],
    "init_cflags": [
      "-std=c++20", "-Os", "-Wall", "-Wextra", "-Werror", "-fno-exceptions", "-fno-rtti",
      "-fno-asynchronous-unwind-tables", "-ffunction-sections", "-fdata-sections", "-fvisibility=hidden",
      "-fstack-protector-strong"
    ],
    "init_ldflags": ["-Wl,--gc-sections", "-Wl,-z,relro,-z,noexecstack"]
  }
}
