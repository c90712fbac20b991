// A guest whose disks go over to overlays, as snapshots of a volume in use make them.
#pragma once
#include "lab.hpp"

namespace vbs::test {

class ChainGuest : public Guest {
 protected:
  // An overlay on what `now` has, as the storage plugin prepares it while the guest has that open.
  static plugin::AttachArgs overlay(const plugin::AttachArgs& now) {
    auto next = now;
    next.source.format = "qcow2";
    next.source.path = now.source.path + ".next";
    const auto under = R"({"path":")" + now.source.path + R"(","format":")" + now.source.format + R"("})";
    const auto rest = now.source.data.find('{', 1);
    next.source.data =
        R"({"backing":[)" + under +
        (rest == std::string::npos ? "" : "," + now.source.data.substr(rest, now.source.data.rfind(']') - rest)) + "]}";
    const auto made = shell("qemu-img create -q -u -f qcow2 -b " + now.source.path + " -F " + now.source.format + " " +
                            next.source.path + " 16M");
    EXPECT_EQ(made.status, 0) << made.text;
    return next;
  }
  vbs_status switch_to(const plugin::AttachArgs& args, std::string* error = nullptr) const {
    TestCall call;
    const auto status = kvm_->switch_image(call, args);
    if (error) {
      *error = call.error;
    } else {
      EXPECT_EQ(status, VBS_OK) << call.error;
    }
    return status;
  }
  static void write(const std::string& device, char byte, int block) {
    const auto out = in_guest("yes " + std::string(1, byte) + " | tr -d \"\\n\" | head -c 65536 | dd of=" + device +
                              " bs=64k seek=" + std::to_string(block) + " conv=fsync 2>/dev/null");
    EXPECT_EQ(out.status, 0) << out.text;
  }
  static std::string in_file(const std::string& path, const std::string& format, int block) {
    return shell("qemu-io -U -r -f " + format + " -c 'read -v " + std::to_string(block * 65536) + " 1' " + path +
                 " | head -c 13 | tail -c 2")
        .text;
  }
  std::string definition(const std::string& option) {
    return shell("virsh -q -c '" + lab("uri") + "' dumpxml " + option + " vbs-main").text;
  }
};

}  // namespace vbs::test
