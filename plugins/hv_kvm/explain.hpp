// Turns libvirt's errors into ours: a status the core can act on, and what the operator does next. libvirt has few
// error codes for QEMU's refusals, so the known texts are looked for, too; an unknown one is passed on as it is.
#pragma once
#include <string>

#include "connection.hpp"

namespace vbs::kvm {

[[noreturn]] void explain_attach(const LibvirtError& error, const std::string& vm, const std::string& path,
                                 const std::string& cache);
// `verb`: "detach" or "resize".
[[noreturn]] void explain_change(const LibvirtError& error, const char* verb, const std::string& vm,
                                 const std::string& device);

}  // namespace vbs::kvm
