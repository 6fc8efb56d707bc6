{
  "variables": {
    "init_sources": [
      "common/control_message.cc",
      "common/devpts.cc",
      "common/file_identity.cc",
      "common/proc_fd.cc",
      "common/pty.cc",
      "init/command.cc",
      "init/console_mount.cc",
      "init/console_socket.cc",
      "init/descriptors.cc",
      "init/file_kind.cc",
      "init/handshake.cc",
      "init/identity.cc",
      "init/main.cc",
      "init/message.cc",
      "init/option_table.cc",
      "init/options.cc",
      "init/progress.cc",
      "init/session.cc",
      "init/signals.cc",
      "init/supervisor.cc",
      "init/terminal.cc",
      "init/working_directory.cc"
    ],
    "init_cflags": [
      "-std=c++20", "-Os", "-Wall", "-Wextra", "-Werror", "-fno-exceptions", "-fno-rtti",
      "-fno-asynchronous-unwind-tables", "-ffunction-sections", "-fdata-sections", "-fvisibility=hidden",
      "-fstack-protector-strong"
    ],
    "init_ldflags": ["-Wl,--gc-sections", "-Wl,-z,relro,-z,noexecstack"]
  }
}
