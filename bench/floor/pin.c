// pin CPU|all COMMAND…: runs the command on that one processor, or on all. Unpinned ping-pong runs vary fourfold, because
// waking a thread on another processor costs more than all that is compared here. The command may open as
// many descriptors as the system lets it, and dies with the benchmark that started it.
#include "common.h"

#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>

int main(int argc, char** argv) {
  if (argc < 3) return fprintf(stderr, "usage: pin CPU COMMAND…\n"), 2;
  if (strcmp(argv[1], "all") != 0) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(atoi(argv[1]), &set);
    Check(sched_setaffinity(0, sizeof set, &set), "sched_setaffinity");
  }
  struct rlimit files;
  Check(getrlimit(RLIMIT_NOFILE, &files), "getrlimit");
  files.rlim_cur = files.rlim_max;
  Check(setrlimit(RLIMIT_NOFILE, &files), "setrlimit");
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  execvp(argv[2], argv + 2);
  Die(argv[2]);
}
