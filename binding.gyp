{
  "targets": [
    {
      "target_name": "bsd_sockets",
      "sources": ["<!@(node -p \"require('fs').readdirSync('native').filter((f) => f.endsWith('.cc')).map((f) => 'native/' + f).join(' ')\")"],
      "defines": ["NAPI_VERSION=8", "NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS", "_GNU_SOURCE"],
      "cflags_cc!": ["-std=gnu++17", "-std=gnu++20"],
      "cflags_cc": [
        "-std=c++17", "-fno-exceptions", "-fno-rtti", "-Wall", "-Wextra", "-Wno-unused-parameter", "-fvisibility=hidden", "-O2",
        # Warnings are errors in a checkout and never on a user's machine, whose compiler may know more of them.
        "<!@(node -p \"require('fs').existsSync('test') ? '-Werror' : ''\")"
      ],
      "ldflags": ["-Wl,-z,nodelete", "-Wl,-z,relro,-z,now"],
      "libraries": ["-pthread"]
    }
  ]
}
