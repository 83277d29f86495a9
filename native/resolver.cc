// The resolver's calls: getaddrinfo, getnameinfo, gethostbyname, gethostbyaddr, the services and protocols.
//
// Each `*_start` returns the number of a lookup (lookup.h). A numeric host and port need no thread: such a
// lookup is done at once.
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>

#include <mutex>
#include <vector>

#include "address.h"
#include "arguments.h"
#include "calls.h"
#include "lookup.h"

namespace bsd_sockets {
namespace {

// A text argument that may be null: a C string or a null pointer.
class Text {
 public:
  template <size_t kCount>
  Text(Arguments<kCount>& args, size_t index) : is_text_(!args.Is(index, napi_null)) {
    if (is_text_) text_ = args.String(index);
  }
  const char* c_str() const { return is_text_ ? text_.c_str() : nullptr; }

 private:
  bool is_text_;
  std::string text_;
};

napi_value MakeText(napi_env env, const char* text) {
  return MakeString(env, text == nullptr ? "" : text, text == nullptr ? 0 : strlen(text));
}

bool Append(napi_env env, napi_value array, uint32_t index, napi_value value) {
  return value != nullptr && napi_set_element(env, array, index, value) == napi_ok;
}

class AddressInfo : public Lookup {
 public:
  AddressInfo(Text host, Text service, const addrinfo& hints)
      : host_(std::move(host)), service_(std::move(service)), hints_(hints) {}
  ~AddressInfo() override {
    if (found_ != nullptr) freeaddrinfo(found_);
  }

  void Run() override { FailGai(getaddrinfo(host_.c_str(), service_.c_str(), &hints_, &found_)); }

  // The same for a numeric host and port alone; false for names.
  bool RunNumeric() {
    addrinfo numeric = hints_;
    numeric.ai_flags |= AI_NUMERICHOST | AI_NUMERICSERV;
    int error = getaddrinfo(host_.c_str(), service_.c_str(), &numeric, &found_);
    if (error != 0) found_ = nullptr;
    return error == 0;
  }

  napi_value Value(napi_env env) const override {
    napi_value rows;
    if (napi_create_array(env, &rows) != napi_ok) return nullptr;
    uint32_t count = 0;
    for (addrinfo* entry = found_; entry != nullptr; entry = entry->ai_next) {
      if (!Append(env, rows, count++, Row(env, *entry))) return nullptr;
    }
    return rows;
  }

 private:
  static napi_value Row(napi_env env, const addrinfo& entry) {
    // The decoders read a whole sockaddr_storage.
    Address address;
    address.length = std::min<socklen_t>(entry.ai_addrlen, sizeof address.storage);
    memcpy(&address.storage, entry.ai_addr, address.length);
    return MakeArray(env, {MakeUint(env, entry.ai_family), MakeUint(env, entry.ai_socktype),
                           MakeUint(env, entry.ai_protocol), MakeText(env, entry.ai_canonname),
                           DecodeAddress(env, &address.header, address.length, entry.ai_protocol)});
  }

  Text host_, service_;
  addrinfo hints_;
  addrinfo* found_ = nullptr;
};

class NameInfo : public Lookup {
 public:
  NameInfo(const Address& address, int flags) : address_(address), flags_(flags) {}

  void Run() override {
    FailGai(getnameinfo(&address_.header, address_.length, host_, sizeof host_, service_, sizeof service_,
                        flags_));
  }

  napi_value Value(napi_env env) const override {
    return MakeArray(env, {MakeText(env, host_), MakeText(env, service_)});
  }

 private:
  Address address_;
  int flags_;
  char host_[NI_MAXHOST] = "";
  char service_[NI_MAXSERV] = "";
};

// Base of the lookups by reentrant calls of netdb.h, which take a buffer that may be too small.
class DatabaseLookup : public Lookup {
 protected:
  // Makes `call`, and repeats it with a larger buffer while it returns ERANGE. Returns its last result.
  template <typename Call>
  int WithRoom(Call&& call) {
    constexpr size_t kFirst = 1024, kMost = 1 << 20;
    int error = ERANGE;
    for (size_t size = kFirst; error == ERANGE && size <= kMost; size *= 4) {
      buffer_.resize(size);
      error = call(buffer_.data(), size);
    }
    return error;
  }

 private:
  std::vector<char> buffer_;
};

// gethostbyname() for a name, gethostbyaddr() for an address.
class HostEntry : public DatabaseLookup {
 public:
  explicit HostEntry(std::string name) : name_(std::move(name)) {}
  HostEntry(const void* bytes, socklen_t length, int family)
      : family_(family), bytes_(static_cast<const char*>(bytes), length) {}

  void Run() override {
    int host_error = 0;
    int error = WithRoom([&](char* buffer, size_t size) {
      return bytes_.empty() ? gethostbyname_r(name_.c_str(), &entry_, buffer, size, &found_, &host_error)
                            : gethostbyaddr_r(bytes_.data(), static_cast<socklen_t>(bytes_.length()), family_,
                                              &entry_, buffer, size, &found_, &host_error);
    });
    if (error == 0 && found_ != nullptr) return;
    found_ = nullptr;
    Fail(kHostFailure, host_error);
  }

  napi_value Value(napi_env env) const override {
    return MakeArray(env, {MakeText(env, found_->h_name), Aliases(env), Addresses(env)});
  }

 private:
  napi_value Aliases(napi_env env) const {
    napi_value names;
    if (napi_create_array(env, &names) != napi_ok) return nullptr;
    if (found_->h_aliases == nullptr) return names;
    for (uint32_t i = 0; found_->h_aliases[i] != nullptr; i++) {
      if (!Append(env, names, i, MakeText(env, found_->h_aliases[i]))) return nullptr;
    }
    return names;
  }

  napi_value Addresses(napi_env env) const {
    napi_value texts;
    if (napi_create_array(env, &texts) != napi_ok) return nullptr;
    for (uint32_t i = 0; found_->h_addr_list[i] != nullptr; i++) {
      char text[INET6_ADDRSTRLEN] = "";
      inet_ntop(found_->h_addrtype, found_->h_addr_list[i], text, sizeof text);
      if (!Append(env, texts, i, MakeText(env, text))) return nullptr;
    }
    return texts;
  }

  std::string name_;
  int family_ = AF_INET;
  std::string bytes_;
  hostent entry_{};
  hostent* found_ = nullptr;
};

// getservbyname() for a name, getservbyport() for a port in network byte order.
class ServiceEntry : public DatabaseLookup {
 public:
  ServiceEntry(std::string name, Text protocol) : name_(std::move(name)), protocol_(std::move(protocol)) {}
  ServiceEntry(int port, Text protocol) : port_(port), protocol_(std::move(protocol)) {}

  void Run() override {
    int error = WithRoom([&](char* buffer, size_t size) {
      return port_ < 0 ? getservbyname_r(name_.c_str(), protocol_.c_str(), &entry_, buffer, size, &found_)
                       : getservbyport_r(port_, protocol_.c_str(), &entry_, buffer, size, &found_);
    });
    if (error != 0 || found_ == nullptr) Fail(kNotFound, 0);
  }

  napi_value Value(napi_env env) const override {
    return port_ < 0 ? MakeUint(env, ntohs(static_cast<uint16_t>(entry_.s_port)))
                     : MakeText(env, entry_.s_name);
  }

 private:
  std::string name_;
  int port_ = -1;
  Text protocol_;
  servent entry_{};
  servent* found_ = nullptr;
};

class ProtocolEntry : public DatabaseLookup {
 public:
  explicit ProtocolEntry(std::string name) : name_(std::move(name)) {}

  void Run() override {
#ifdef __GLIBC__
    protoent entry;
    protoent* found = nullptr;
    int error = WithRoom([&](char* buffer, size_t size) {
      return getprotobyname_r(name_.c_str(), &entry, buffer, size, &found);
    });
    if (error != 0) found = nullptr;
#else
    // musl has only this call; its table is shared by all threads.
    static std::mutex mutex;
    std::lock_guard<std::mutex> lock(mutex);
    protoent* found = getprotobyname(name_.c_str());
#endif
    if (found == nullptr) return Fail(kNotFound, 0);
    protocol_ = static_cast<uint32_t>(found->p_proto);
  }

  napi_value Value(napi_env env) const override { return MakeUint(env, protocol_); }

 private:
  std::string name_;
  uint32_t protocol_ = 0;
};

}  // namespace

// getaddrinfo_start(host or null, service or null, family, type, protocol, flags) -> lookup of rows
napi_value GetaddrinfoStart(napi_env env, napi_callback_info info) {
  Arguments<6> args(env, info);
  Text host(args, 0), service(args, 1);
  addrinfo hints{};
  hints.ai_family = args.Int(2);
  hints.ai_socktype = args.Int(3);
  hints.ai_protocol = args.Int(4);
  hints.ai_flags = args.Int(5);
  if (!args.valid()) return args.Invalid();
  auto lookup = std::make_shared<AddressInfo>(std::move(host), std::move(service), hints);
  return args.Return(lookup->RunNumeric() ? KeepDone(args.state(), lookup)
                                          : StartLookup(args.state(), lookup));
}

// getnameinfo_start(address_length, flags) -> lookup of [host, service]
napi_value GetnameinfoStart(napi_env env, napi_callback_info info) {
  Arguments<2> args(env, info);
  uint32_t length = args.Uint(0);
  int flags = args.Int(1);
  if (!args.valid()) return args.Invalid();
  constexpr int kNumeric = NI_NUMERICHOST | NI_NUMERICSERV;
  auto lookup = std::make_shared<NameInfo>(TakeAddress(args.state(), length), flags);
  if ((flags & kNumeric) != kNumeric) return args.Return(StartLookup(args.state(), lookup));
  lookup->Run();
  return args.Return(KeepDone(args.state(), lookup));
}

// gethostbyname_start(name) -> lookup of [name, aliases, addresses], IPv4
napi_value GethostbynameStart(napi_env env, napi_callback_info info) {
  Arguments<1> args(env, info);
  std::string name = args.String(0);
  if (!args.valid()) return args.Invalid();
  return args.Return(StartLookup(args.state(), std::make_shared<HostEntry>(std::move(name))));
}

// gethostbyaddr_start(address_length) -> lookup of [name, aliases, addresses]
napi_value GethostbyaddrStart(napi_env env, napi_callback_info info) {
  Arguments<1> args(env, info);
  uint32_t length = args.Uint(0);
  if (!args.valid()) return args.Invalid();
  Address address = TakeAddress(args.state(), length);
  const void* bytes;
  socklen_t size;
  if (address.header.sa_family == AF_INET) {
    bytes = &reinterpret_cast<sockaddr_in*>(&address.storage)->sin_addr;
    size = sizeof(in_addr);
  } else if (address.header.sa_family == AF_INET6) {
    bytes = &reinterpret_cast<sockaddr_in6*>(&address.storage)->sin6_addr;
    size = sizeof(in6_addr);
  } else {
    return args.Return(-EAFNOSUPPORT);
  }
  auto lookup = std::make_shared<HostEntry>(bytes, size, address.header.sa_family);
  return args.Return(StartLookup(args.state(), lookup));
}

// getservbyname_start(name, protocol or null) -> lookup of the port
napi_value GetservbynameStart(napi_env env, napi_callback_info info) {
  Arguments<2> args(env, info);
  std::string name = args.String(0);
  Text protocol(args, 1);
  if (!args.valid()) return args.Invalid();
  auto lookup = std::make_shared<ServiceEntry>(std::move(name), std::move(protocol));
  return args.Return(StartLookup(args.state(), lookup));
}

// getservbyport_start(port, protocol or null) -> lookup of the name
napi_value GetservbyportStart(napi_env env, napi_callback_info info) {
  Arguments<2> args(env, info);
  int port = args.Int(0);
  Text protocol(args, 1);
  if (!args.valid() || port < 0 || port > UINT16_MAX) return args.Invalid();
  auto lookup = std::make_shared<ServiceEntry>(htons(static_cast<uint16_t>(port)), std::move(protocol));
  return args.Return(StartLookup(args.state(), lookup));
}

// getprotobyname_start(name) -> lookup of the number
napi_value GetprotobynameStart(napi_env env, napi_callback_info info) {
  Arguments<1> args(env, info);
  std::string name = args.String(0);
  if (!args.valid()) return args.Invalid();
  return args.Return(StartLookup(args.state(), std::make_shared<ProtocolEntry>(std::move(name))));
}

// gai_strerror(number), hstrerror(number) -> the text of the C library for an EAI_ number, for an h_errno
napi_value GaiStrerror(napi_env env, napi_callback_info info) {
  Arguments<1> args(env, info);
  int number = args.Int(0);
  return args.valid() ? MakeText(env, gai_strerror(number)) : args.Invalid();
}
napi_value Hstrerror(napi_env env, napi_callback_info info) {
  Arguments<1> args(env, info);
  int number = args.Int(0);
  return args.valid() ? MakeText(env, hstrerror(number)) : args.Invalid();
}

}  // namespace bsd_sockets
