#include "config.hpp"

#include <charconv>
#include <initializer_list>

namespace vbs::kvm {
namespace {

using plugin::Error;

class Reader {
 public:
  Reader(const plugin::Host& host, std::string_view json) : host_(host), json_(json) {}

  void choice(const char* key, std::string& out, std::initializer_list<std::string_view> allowed) const {
    const auto value = get(key);
    if (!value) return;
    std::string list;
    for (const auto a : allowed) {
      if (a == *value) return void(out = *value);
      list += (list.empty() ? "" : ", ") + std::string(a);
    }
    throw Error(VBS_INVALID, "hv_kvm: " + std::string(key) + " is \"" + *value + "\"; allowed: " + list);
  }

  void number(const char* key, unsigned& out, unsigned min, unsigned max) const {
    const auto value = get(key);
    if (!value) return;
    unsigned n = 0;
    const auto* end = value->data() + value->size();
    const auto [stop, bad] = std::from_chars(value->data(), end, n);
    if (bad != std::errc() || stop != end || n < min || n > max) {
      throw Error(VBS_INVALID, "hv_kvm: " + std::string(key) + " is \"" + *value + "\"; allowed: a whole number from " +
                                   std::to_string(min) + " to " + std::to_string(max));
    }
    out = n;
  }

  std::optional<std::string> get(const char* key) const { return host_.json_get(json_, "/" + std::string(key)); }

 private:
  const plugin::Host& host_;
  std::string_view json_;
};

}  // namespace

Config read_config(const plugin::Host& host, std::string_view json) {
  Config c;
  const Reader r(host, json);
  c.uri = r.get("uri").value_or(c.uri);
  if (c.uri.empty()) throw Error(VBS_INVALID, "hv_kvm: uri is empty; write for example qemu:///system");
  r.choice("bus", c.bus, {"virtio", "scsi"});
  r.choice("cache", c.cache, {"none", "directsync", "writeback", "writethrough"});
  r.choice("io", c.io, {"threads", "native", "io_uring"});
  r.choice("discard", c.discard, {"unmap", "ignore"});
  r.number("iothread", c.iothread, 0, 1024);
  r.number("physical_block_bytes", c.physical_block_bytes, 512, 4096);
  if (c.physical_block_bytes != 512 && c.physical_block_bytes != 4096) {
    throw Error(VBS_INVALID,
                "hv_kvm: physical_block_bytes is " + std::to_string(c.physical_block_bytes) + "; allowed: 512, 4096");
  }
  r.number("detach_timeout_s", c.detach_timeout_s, 1, 600);
  r.number("reconnect_s", c.reconnect_s, 0, 60);
  std::string shut_off = "refuse";
  r.choice("shut_off", shut_off, {"refuse", "definition"});
  c.attach_shut_off = shut_off == "definition";
  std::string file_owner = "keep";
  r.choice("file_owner", file_owner, {"keep", "libvirt"});
  c.keep_owner = file_owner == "keep" && !c.uri.substr(0, c.uri.find('?')).ends_with("/session");
  if (c.io == "native" && c.cache != "none" && c.cache != "directsync") {
    throw Error(VBS_INVALID, "hv_kvm: io \"native\" needs O_DIRECT, which cache \"" + c.cache +
                                 "\" does not use: set cache to none or directsync, or io to threads");
  }
  if (c.iothread != 0 && c.bus != "virtio") {
    throw Error(VBS_INVALID, "hv_kvm: iothread goes with bus virtio; a scsi disk runs in its controller's thread");
  }
  return c;
}

}  // namespace vbs::kvm
