{
  "variables": {
    "monitor_sources": [
      "common/children.cc",
      "common/control_message.cc",
      "monitor/control.cc",
      "monitor/main.cc",
      "monitor/monitor.cc",
      "monitor/runtime.cc"
    ]
  }
}
