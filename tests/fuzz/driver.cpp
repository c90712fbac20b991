// The main() of every fuzz target: g++ has no libFuzzer, and the targets have its entry, so that either can run them.
//
//   fuzz_NAME CORPUS_DIR [--dict FILE] [--seconds N] [--seed N] [--findings DIR]    each input of the corpus, then
//   mutants fuzz_NAME FILE...                                                             those inputs only (a finding
//   again)
//
// An input that ends the process (a sanitizer, an abort, a signal) or takes over kTooSlow is written to DIR/NAME-HASH,
// with the command that shows it again. Exit status 0: nothing was found.
#include <fcntl.h>
#include <sanitizer/common_interface_defs.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>

#include "tests/fuzz/mutator.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);
// A finding ends the process, with the place where it is. handle_abort: an exception that nobody catches, too.
extern "C" const char* __asan_default_options() {
  return "handle_abort=1:allocator_may_return_null=0:max_allocation_size_mb=1024";
}
extern "C" const char* __ubsan_default_options() { return "halt_on_error=1:print_stacktrace=1"; }

namespace {
constexpr size_t kMaxBytes = 64 * 1024;
constexpr unsigned kTooSlow = 20;  // seconds for one input: a loop, or a cost that grows too fast
namespace fs = std::filesystem;

std::string program, findings = ".";
const std::string* current = nullptr;

// In the death callback or a signal handler: system calls only, beyond what snprintf needs.
void keep_current() {
  if (!current) return;
  uint64_t hash = 14695981039346656037u;
  for (const char c : *current) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  char path[4096], text[9000];
  std::snprintf(path, sizeof path, "%s/%s-%016llx", findings.c_str(), program.c_str(),
                static_cast<unsigned long long>(hash));
  const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  const bool kept = fd >= 0 && write(fd, current->data(), current->size()) == static_cast<ssize_t>(current->size());
  const int n = std::snprintf(text, sizeof text, "\n%s: FINDING: the input is %s%s; again: %s %s\n", program.c_str(),
                              kept ? "in " : "lost, cannot write ", path, program.c_str(), path);
  current = nullptr;
  static_cast<void>(!write(2, text, static_cast<size_t>(n)));
}

void too_slow(int) {
  constexpr char text[] = "\none input takes too long\n";
  static_cast<void>(!write(2, text, sizeof text - 1));
  keep_current();
  _exit(1);
}

void run(const std::string& input) {
  current = &input;
  // Of exactly its size, on the heap: a read behind its end is seen.
  const auto bytes = std::make_unique<uint8_t[]>(input.size());
  std::memcpy(bytes.get(), input.data(), input.size());
  alarm(kTooSlow);
  LLVMFuzzerTestOneInput(bytes.get(), input.size());
  alarm(0);
  current = nullptr;
}

std::string content(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + file.string());
  return {std::istreambuf_iterator<char>(in), {}};
}

struct Arguments {
  std::string corpus, dictionary;
  std::vector<std::string> files;
  unsigned seconds = 5;
  uint64_t seed = static_cast<uint64_t>(std::chrono::system_clock::now().time_since_epoch().count());
};

Arguments parse(int argc, char** argv) {
  Arguments a;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const auto value = [&] {
      if (++i >= argc) throw std::runtime_error(word + " needs a value");
      return std::string(argv[i]);
    };
    if (word == "--seconds")
      a.seconds = static_cast<unsigned>(std::stoul(value()));
    else if (word == "--seed")
      a.seed = std::stoull(value());
    else if (word == "--dict")
      a.dictionary = value();
    else if (word == "--findings")
      findings = value();
    else if (fs::is_directory(word))
      a.corpus = word;
    else
      a.files.push_back(word);
  }
  if (a.corpus.empty() && a.files.empty()) throw std::runtime_error("name a directory of inputs, or inputs");
  return a;
}

int fuzz(const Arguments& a) {
  std::vector<std::string> seeds;
  for (const auto& file : fs::directory_iterator(a.corpus)) seeds.push_back(content(file.path()));
  std::sort(seeds.begin(), seeds.end());  // the directory's order is not the seed's
  if (seeds.empty()) throw std::runtime_error("there is no input in " + a.corpus);
  for (const auto& s : seeds) run(s);
  vbs::fuzz::Mutator mutator(
      a.seed, seeds, a.dictionary.empty() ? std::vector<std::string>{} : vbs::fuzz::read_dictionary(a.dictionary),
      kMaxBytes);
  const auto begin = std::chrono::steady_clock::now();
  uint64_t executions = 0;
  while (std::chrono::steady_clock::now() - begin < std::chrono::seconds(a.seconds)) {
    run(mutator.next());
    ++executions;
  }
  std::cout << program << ": seed " << a.seed << ", " << seeds.size() << " inputs of the corpus, " << executions
            << " mutants in " << a.seconds << " s, nothing found" << std::endl;
  return 0;
}
}  // namespace

int main(int argc, char** argv) {
  program = fs::path(argv[0]).filename().string();
  try {
    const auto arguments = parse(argc, argv);
    __sanitizer_set_death_callback(keep_current);
    signal(SIGALRM, too_slow);
    for (const auto& file : arguments.files) run(content(file));
    if (!arguments.files.empty()) return 0;
    std::cout << program << ": seed " << arguments.seed << std::endl;
    return fuzz(arguments);
  } catch (const std::exception& e) {
    keep_current();
    std::cerr << program << ": " << e.what() << "\n";
    return 1;
  }
}
