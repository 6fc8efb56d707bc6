{
  "variables": {
    "monitor_sources": [
      "common/control_message.cc",
      "monitor/children.cc",
      "monitor/control.cc",
      "monitor/main.cc",
      "monitor/monitor.cc",
      "monitor/runtime.cc"
    ]
  }
}
