// Named places at which a test can end the process as a power switch would (SIGKILL), to see that a restart finds
// everything wholly done or wholly undone. Only in builds with VBS_CRASH_POINTS; in others it is nothing at all.
//
//   VBS_CRASH_AT=create-volume.create.ran   die there      VBS_CRASH_TRACE=FILE   append the name of each place passed
//   VBS_CRASH_AT=@FILE                      die at the place that FILE names at that time, if there is such a file
#pragma once
#include <functional>
#include <string>

namespace vbs {
#ifdef VBS_CRASH_POINTS
void crash_point(const std::string& name);
// Called at each place first, on the thread that passes it; for tests inside one process. Empty: none.
void on_crash_point(std::function<void(const std::string& name)> f);
#else
inline void crash_point(const std::string&) {}
inline void on_crash_point(const std::function<void(const std::string&)>&) {}
#endif
}  // namespace vbs
