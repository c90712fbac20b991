// vbs: the command line of the Virtual Block Store.
#include <unistd.h>

#include <exception>
#include <iostream>

#include "apps/vbs/cli.hpp"

int main(int argc, char** argv) {
  try {
    return vbs::cli::run({argv + 1, argv + argc}, {std::cout, std::cerr, ::isatty(STDERR_FILENO) == 1},
                         vbs::cli::process_environment, vbs::cli::https_transport);
  } catch (const std::exception& e) {
    std::cerr << "vbs: internal error: " << e.what() << "\n";
    return 1;
  }
}
