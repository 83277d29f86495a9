// The order of test files within a group of vitest.config.ts: those that take long first, so that none of them runs alone at the end while
// the other processor is idle. Vitest knows what took long last time, which a fresh clone does not.

import { relative } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** The files that took more than 20 s, the longest first. The order need not be exact. */
export const LONG: readonly string[] = [
  'examples/fleet/test/hosts_in_namespaces/run.test.ts',
  'test/threads/socketserver.test.ts',
  'test/platform/cli/arp_scan.test.ts',
  'test/threads/lifetimes.test.ts',
  'test/platform/cli/sweep.test.ts',
  'test/platform/cli/ping.test.ts',
  'examples/fleet/test/files/delta.test.ts',
  'test/package/matrix/npm.test.ts',
  'test/unit/bench.test.ts',
  'test/threads/handover.test.ts',
  'test/package/setup.test.ts',
  'test/unit/socketserver/limits.test.ts',
  'examples/fleet/test/files/commands.test.ts',
  'test/platform/cli/traceroute.test.ts',
  'test/threads/load.test.ts',
  'examples/fleet/test/run/command.test.ts',
  'examples/ftp/test/server/clients.test.ts',
  'examples/fleet/test/run/ending.test.ts',
  'test/package/runtimes.test.ts',
  'test/faults/faults.test.ts',
  'test/package/release.test.ts',
  'test/package/site.test.ts',
  'examples/ftp/test/service/service.test.ts',
  'examples/ftp/test/client/hostile.test.ts',
  'examples/ftp/test/client/ours.test.ts',
  'examples/fleet/test/run/sudo.test.ts',
  'examples/ftp/test/client/cut.test.ts',
  'examples/fleet/test/cli/output.test.ts',
  'test/threads/signals.test.ts',
  'test/unit/cli/nc.test.ts',
  'test/package/matrix/typescript.test.ts',
  'examples/fleet/test/ssh/proxy.test.ts',
  'examples/fleet/test/files/transfer.test.ts',
  'test/platform/cli/sniff_lines.test.ts',
  'examples/fleet/test/cli/main.test.ts',
  'examples/ftp/test/service/state.test.ts',
  'test/fuzz/packet.test.ts',
  'examples/fleet/test/ssh/hostile.test.ts',
  'test/threads/lookups.test.ts',
  'test/platform/cli/live.test.ts',
  'test/conformance/filters.test.ts',
  'test/unit/cli/nc_peers.test.ts',
  'examples/ftp/test/server/limits.test.ts',
  'examples/fleet/test/readme.test.ts',
];

export default class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const { root } = this.ctx.config;
    const place = ({ moduleId }: TestSpecification) => {
      const index = LONG.indexOf(relative(root, moduleId));
      return index === -1 ? LONG.length : index;
    };
    const group = ({ project }: TestSpecification) => project.config.sequence.groupOrder;
    // A stable sort: what is not in the list keeps vitest's order.
    return (await super.sort(files)).sort((a, b) => group(a) - group(b) || place(a) - place(b));
  }
}
