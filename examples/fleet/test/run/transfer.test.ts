// Transfers that do not end by themselves, on real sshd whose SFTP never answers: a time-out, a stop, a host that is lost.

import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { Fleet, Inventory, type Limits } from '../../dist/index.js';
import { processes_with } from '../processes.js';
import { has_sshd, Site, type Sshd } from '../sshd.js';

// Nothing here is quick on a busy machine.
vi.setConfig({ testTimeout: 240_000 });

/** Bytes that no other process reads. */
const COUNT = `800${process.pid}00`;

describe.skipIf(!has_sshd)('a transfer to a host that does not answer', () => {
  let site: Site;
  let server: Sshd;
  let fleet: Fleet;
  let source: string;
  beforeAll(async () => {
    site = new Site();
    server = await site.sshd('mute', [`Subsystem sftp head -c ${COUNT} >/dev/null`]);
    const { address, port, user, identity_files, known_hosts_files } = server.host();
    const hosts = { mute: { address, port, user, identity_files, known_hosts_files } };
    fleet = new Fleet({ inventory: new Inventory({ hosts }, 'test'), config_files: [] });
    source = site.write('source', 'text');
  });
  afterEach(() => expect.poll(() => processes_with(COUNT), { timeout: 60_000, interval: 300 }).toEqual([]));
  afterAll(() => site.close());

  /** Puts a file, and calls `begun` when SFTP should have begun. */
  async function put(begun: () => void, limits: Partial<Limits> = {}, signal?: AbortSignal) {
    const options = { limits: { connect_timeout: 30, ...limits }, signal };
    const running = fleet.put('mute', source, '/nonexistent/x', options);
    await expect
      .poll(() => processes_with(COUNT).length, { timeout: 60_000, interval: 300 })
      .toBeGreaterThan(0);
    begun();
    const [outcome] = await running;
    return { failure: outcome?.failure, reason: outcome?.reason };
  }

  it('is stopped when the user asks', async () => {
    const stop = new AbortController();
    expect(await put(() => stop.abort(), {}, stop.signal)).toEqual({
      failure: 'stopped',
      reason: 'the user asked',
    });
  });

  it('ends at its time-out', async () => {
    expect(await put(() => {}, { command_timeout: 6 })).toEqual({
      failure: 'timed-out',
      reason: 'the transfer took more than 6 s',
    });
  });

  it('is cut off when the host is lost', async () => {
    expect(await put(() => server.cut())).toEqual({
      failure: 'cut-off',
      reason: 'the host closed the connection',
    });
  });
});
