#include "core/plugin_host/elf_check.hpp"

#include <elf.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <link.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "core/base/error.hpp"
#include "core/base/unique_fd.hpp"

namespace vbs {
namespace {
using Header = ElfW(Ehdr);
using Segment = ElfW(Phdr);
using Section = ElfW(Shdr);
constexpr unsigned char kClass = sizeof(void*) == 8 ? ELFCLASS64 : ELFCLASS32;

[[noreturn]] void refuse(const std::string& path, const std::string& why) {
  throw Error(Code::invalid, path + " " + why);
}
[[noreturn]] void truncated(const std::string& path, uint64_t size) {
  refuse(path, fmt::format("is truncated ({} bytes; its headers speak of more): copy it again", size));
}

bool fits(uint64_t offset, uint64_t length, uint64_t size) { return offset <= size && length <= size - offset; }

template <class T>
std::vector<T> read_table(int fd, const std::string& path, uint64_t size, uint64_t offset, uint64_t count,
                          uint64_t entry) {
  if (entry != sizeof(T)) refuse(path, "has headers of an unexpected size: it is damaged or for another machine");
  if (!fits(offset, count * sizeof(T), size)) truncated(path, size);
  std::vector<T> table(count);
  if (pread(fd, table.data(), count * sizeof(T), static_cast<off_t>(offset)) != static_cast<ssize_t>(count * sizeof(T)))
    truncated(path, size);
  return table;
}

// The machine that we ourselves were built for, from our own image.
uint16_t own_machine() {
  Header h{};
  const UniqueFd fd(open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  return fd && pread(fd.get(), &h, sizeof h, 0) == static_cast<ssize_t>(sizeof h) ? h.e_machine : 0;
}
}  // namespace

void check_shared_library(const std::string& path) {
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  struct stat st {};
  if (!fd || fstat(fd.get(), &st) != 0) refuse(path, fmt::format("cannot be read: {}", std::strerror(errno)));
  const auto size = static_cast<uint64_t>(st.st_size);
  Header h{};
  const ssize_t n = pread(fd.get(), &h, sizeof h, 0);
  if (n < SELFMAG || std::memcmp(h.e_ident, ELFMAG, SELFMAG) != 0)
    refuse(path, "is not a shared library (no ELF header)");
  if (n < static_cast<ssize_t>(sizeof h)) truncated(path, size);
  if (h.e_ident[EI_CLASS] != kClass || (own_machine() != 0 && h.e_machine != own_machine()))
    refuse(path,
           fmt::format("was built for another machine (ELF machine {}): install the plugin for this one", h.e_machine));
  if (h.e_type != ET_DYN) refuse(path, "is not a shared library: link it with -shared");
  const auto segments = read_table<Segment>(fd.get(), path, size, h.e_phoff, h.e_phnum, h.e_phentsize);
  bool loadable = false;
  for (const auto& s : segments) {
    loadable |= s.p_type == PT_LOAD;
    if (!fits(s.p_offset, s.p_filesz, size)) truncated(path, size);
  }
  if (!loadable) refuse(path, "is not a shared library (nothing to load in it)");
  if (h.e_shoff == 0 || h.e_shnum == 0) return;
  for (const auto& s : read_table<Section>(fd.get(), path, size, h.e_shoff, h.e_shnum, h.e_shentsize))
    if (s.sh_type != SHT_NOBITS && !fits(s.sh_offset, s.sh_size, size)) truncated(path, size);
}

}  // namespace vbs
