// Read by the thread sanitizer when a test program that has this file starts.
//
// The counter of std::exception_ptr is atomic, but lives in libstdc++.so, which is not instrumented: the sanitizer sees
// the last owner free an exception that another thread read before, and not the counting in between.
extern "C" const char* __tsan_default_suppressions() {
  return "race:std::__exception_ptr::exception_ptr::_M_release\n";
}
