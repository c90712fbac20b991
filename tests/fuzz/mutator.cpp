#include "tests/fuzz/mutator.hpp"

#include <fstream>
#include <stdexcept>
#include <string_view>

namespace vbs::fuzz {
namespace {
using namespace std::string_view_literals;
constexpr auto kTelling = "\0\r\n\t \"\\:,;{}[]'&*#-+.0%/\x7f\xff"sv;

std::string unescaped(const std::string& text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
    } else if (text[i + 1] == 'x' && i + 3 < text.size()) {
      out += static_cast<char>(std::stoi(text.substr(i + 2, 2), nullptr, 16));
      i += 3;
    } else {
      out += text[++i];
    }
  }
  return out;
}
}  // namespace

std::vector<std::string> read_dictionary(const std::string& file) {
  std::ifstream in(file);
  if (!in) throw std::runtime_error("cannot read the dictionary " + file);
  std::vector<std::string> out;
  int number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (line.empty() || line[0] == '#') continue;
    const auto first = line.find('"'), last = line.rfind('"');
    if (first == std::string::npos || first == last)
      throw std::runtime_error(file + ":" + std::to_string(number) + ": a token stands in quotes");
    out.push_back(unescaped(line.substr(first + 1, last - first - 1)));
  }
  return out;
}

Mutator::Mutator(uint64_t seed, std::vector<std::string> seeds, std::vector<std::string> dictionary, size_t max_bytes)
    : random_(seed), seeds_(std::move(seeds)), dictionary_(std::move(dictionary)), max_bytes_(max_bytes) {}

std::string Mutator::next() {
  std::string input = any_seed();
  for (size_t n = 1 + below(8); n > 0; --n) change(input);
  if (input.size() > max_bytes_) input.resize(max_bytes_);
  return input;
}

void Mutator::change(std::string& input) {
  const size_t at = below(input.size() + 1);
  switch (below(9)) {
    case 0:  // one bit
      if (at < input.size()) input[at] = static_cast<char>(input[at] ^ (1 << below(8)));
      break;
    case 1:  // one byte, often one that means something
      if (at < input.size()) input[at] = below(2) ? static_cast<char>(random_()) : kTelling[below(kTelling.size())];
      break;
    case 2:
      input.insert(at, 1, static_cast<char>(random_()));
      break;
    case 3:
      input.erase(at, 1 + below(below(4) ? 4 : input.size()));
      break;
    case 4: {  // a piece of itself elsewhere
      const auto piece = input.substr(below(input.size()), 1 + below(32));
      input.insert(at, piece);
      break;
    }
    case 5: {  // the head of this, the tail of another
      const auto& other = any_seed();
      input = input.substr(0, at) + other.substr(below(other.size()));
      break;
    }
    case 6:  // deep or long
      if (input.size() < max_bytes_ / 2) {
        const auto piece = input.substr(at, 1 + below(4));
        std::string many;
        for (size_t n = below(below(64) ? 64 : max_bytes_ / 8); n > 0 && many.size() < max_bytes_; --n) many += piece;
        input.insert(at, many);
      }
      break;
    default:
      if (dictionary_.empty()) break;
      if (const auto& token = dictionary_[below(dictionary_.size())]; below(2))
        input.insert(at, token);
      else
        input.replace(at, token.size(), token);
  }
}

}  // namespace vbs::fuzz
