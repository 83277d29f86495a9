// Captures against Wireshark's tools and tcpdump: what they write is read the same here, and what is written here they read.
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CapturedPacket, CaptureError, read_capture, write_capture } from 'bsd-sockets/packet';
import * as socket from 'bsd-sockets/socket';
import { afterAll, beforeAll, describe, expect, it, type TestContext, vi } from 'vitest';
import { Blocks, frame, MICROSECONDS, MODIFIED, NANOSECONDS, pcap } from '../unit/packet/capture_files.js';

// Wireshark's programs take a second to start, on a busy machine several.
vi.setConfig({ testTimeout: 60_000 });

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'captures-'));
  // tcpdump gives up root before it opens its file.
  chmodSync(folder, 0o777);
});
afterAll(() => rmSync(folder, { recursive: true }));

function need(ctx: TestContext, ...programs: string[]): void {
  for (const program of programs) if (spawnSync(program, ['--version']).error) ctx.skip(`needs ${program}`);
}

/** Runs a program; its output. What it says beside that must be nothing. */
function run(program: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', maxBuffer: 1 << 26 });
  const complaints = stderr.replace(/^(Running as user .*|reading from file .*)\n/gm, '').trim();
  expect(`${program} ${args.join(' ')}: ${status} ${complaints}`).toBe(`${program} ${args.join(' ')}: 0 `);
  return stdout;
}

/** A packet as both sides tell of it, in text. */
interface Row {
  time: string;
  length: string;
  captured: string;
  interface: string;
  section: string;
  comments: string;
  data: string;
}

interface Layers {
  pkt_comment?: { 'frame.comment': string | string[] };
  /** Left out of a packet without bytes. */
  frame_raw?: [hex: string, ...unknown[]];
  frame: Record<string, string | undefined>;
}

/** What tshark reads. Of a pcap file it tells neither interface nor section. */
function tshark_rows(path: string): Row[] {
  const args = ['-r', path, '-T', 'json', '-x', '--no-duplicate-keys', '-j', 'frame pkt_comment'];
  const packets = JSON.parse(run('tshark', ...args)) as { _source: { layers: Layers } }[];
  return packets.map(({ _source: { layers } }) => ({
    time: layers.frame['frame.time_epoch'] ?? '',
    length: layers.frame['frame.len'] ?? '',
    captured: layers.frame['frame.cap_len'] ?? '',
    interface: layers.frame['frame.interface_id'] ?? '',
    section: layers.frame['frame.section_number'] ?? '',
    comments: [layers.pkt_comment?.['frame.comment'] ?? []].flat().join(';'),
    data: layers.frame_raw?.[0] ?? '',
  }));
}

function seconds(time_ns: bigint | undefined): string {
  // tshark shows no time as the beginning of 1970, or not at all.
  const ns = time_ns ?? 0n;
  return `${ns / 1_000_000_000n}.${`${ns % 1_000_000_000n}`.padStart(9, '0')}`;
}

function our_rows(found: readonly CapturedPacket[], is_pcap = false): Row[] {
  return found.map((one) => ({
    time: one.time_ns === undefined ? '' : seconds(one.time_ns),
    length: `${one.length}`,
    captured: `${one.data.length}`,
    interface: is_pcap ? '' : `${one.interface}`,
    // tshark counts from 1.
    section: is_pcap ? '' : `${one.section + 1}`,
    comments: one.comments.join(';'),
    data: one.data.toString('hex'),
  }));
}

/** Both read the same from a file. */
function compare(path: string, count: number): void {
  const capture = read_capture(path);
  const found = [...capture];
  expect(found).toHaveLength(count);
  expect(our_rows(found, capture.format === 'pcap')).toEqual(tshark_rows(path));
}

describe('captures of others', () => {
  let original: string;
  beforeAll(() => {
    original = join(folder, 'original.pcap');
    const records = Array.from({ length: 20 }, (_, i) => ({
      sec: 1_700_000_000 + i,
      fraction: 999_999 - i,
      data: frame(i * 50),
    }));
    writeFileSync(original, pcap(false, MICROSECONDS, records));
  });

  it.for(['pcap', 'nsecpcap', 'modpcap', 'pcapng'])('editcap -F %s', (format, ctx) => {
    need(ctx, 'editcap', 'tshark');
    const path = join(folder, `editcap.${format}`);
    run('editcap', '-F', format, '-t', '0.123456789', original, path);
    compare(path, 20);
    const cut = join(folder, `cut.${format}`);
    run('editcap', '-F', format, '-s', '50', original, cut);
    compare(cut, 20);
  });

  it('editcap: comments, and a section that ends with decryption secrets', (ctx) => {
    need(ctx, 'editcap', 'tshark');
    const path = join(folder, 'comments.pcapng');
    const secrets = join(folder, 'keys.txt');
    writeFileSync(secrets, `CLIENT_RANDOM ${'0'.repeat(64)} ${'1'.repeat(96)}\n`);
    const comments = ['-a', '2:the second', '-a', '3:größer als das Glück', '--capture-comment', 'all of it'];
    run('editcap', '-F', 'pcapng', ...comments, '--inject-secrets', `tls,${secrets}`, original, path);
    compare(path, 20);
    expect([...read_capture(path)][1]?.comments).toEqual(['the second']);
  });

  it('mergecap: several interfaces, of several link types and resolutions', (ctx) => {
    need(ctx, 'editcap', 'mergecap', 'tshark');
    const nanoseconds = join(folder, 'ns.pcap');
    writeFileSync(
      nanoseconds,
      pcap(false, NANOSECONDS, [{ sec: 1_700_000_003, fraction: 123_456_789, data: frame(7) }]),
    );
    const raw = join(folder, 'raw.pcap');
    const ip = frame(9).subarray(14);
    writeFileSync(raw, pcap(true, MICROSECONDS, [{ sec: 1_700_000_005, fraction: 5, data: ip }], 101));
    const path = join(folder, 'merged.pcapng');
    run('mergecap', '-F', 'pcapng', '-I', 'none', '-w', path, original, nanoseconds, raw);
    compare(path, 22);
    const found = [...read_capture(path)];
    expect(new Set(found.map(({ interface: index }) => index))).toEqual(new Set([0, 1, 2]));
    expect(new Set(found.map(({ linktype }) => linktype))).toEqual(new Set([1, 101]));
  });

  it.for(['micro', 'nano'])('tcpdump: a live capture, in %sseconds', async (precision, ctx) => {
    need(ctx, 'tcpdump', 'tshark');
    if (process.getuid?.() !== 0) ctx.skip('capturing needs root');
    const receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM);
    receiver.bind(['127.0.0.1', 0]);
    const [, port] = receiver.getsockname();
    const path = join(folder, `live-${precision}.pcap`);
    const options = [
      '-i',
      'lo',
      '-w',
      path,
      '-U',
      '-c',
      '5',
      '-s',
      '60',
      `--time-stamp-precision=${precision}`,
    ];
    const tcpdump = spawn('tcpdump', [...options, 'udp', 'port', String(port)], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const ended = new Promise((resolve) => tcpdump.on('close', resolve));
    await new Promise((resolve) => tcpdump.stderr.once('data', resolve));
    const timer = setInterval(() => receiver.sendto('x'.repeat(100), ['127.0.0.1', port]), 50);
    const status = await ended;
    clearInterval(timer);
    receiver.close();
    expect(status).toBe(0);
    compare(path, 5);
    const [first] = read_capture(path);
    expect(first).toMatchObject({ length: 142, linktype: 1 });
    expect(first?.data.length).toBe(60);
  });

  it('dumpcap: pcapng from a pipe', (ctx) => {
    need(ctx, 'dumpcap', 'tshark');
    const path = join(folder, 'dumpcap.pcapng');
    const { error, status } = spawnSync(
      'dumpcap',
      ['-q', '-i', '-', '-w', path, '--capture-comment', 'from a pipe'],
      {
        input: readFileSync(original),
      },
    );
    if (error !== undefined || status !== 0) ctx.skip('dumpcap cannot be run here');
    compare(path, 20);
  });

  it.for(['tcp', 'icmp', 'usb-linux'])('randpkt: %s packets that mean nothing', (type, ctx) => {
    need(ctx, 'randpkt', 'tshark');
    const path = join(folder, `random.${type}`);
    expect(spawnSync('randpkt', ['-c', '200', '-b', '2000', '-t', type, path]).status).toBe(0);
    compare(path, 200);
  });

  it('text2pcap', (ctx) => {
    need(ctx, 'text2pcap', 'tshark');
    const dump = join(folder, 'dump.txt');
    writeFileSync(dump, '0000 45 00 00 14 00 01 00 00 40 ff 7b eb 7f 00 00 01\n0010 7f 00 00 01\n');
    for (const [format, args] of [
      ['pcap', ['-F', 'pcap', '-l', '101']],
      ['pcapng', ['-F', 'pcapng', '-l', '101', '-N', 'wire']],
    ] as const) {
      const path = join(folder, `text.${format}`);
      expect(spawnSync('text2pcap', ['-q', ...args, dump, path]).status).toBe(0);
      compare(path, 1);
    }
  });
});

describe('captures that no tool writes here: tshark and we read the same', () => {
  const records = [
    { sec: 1_600_000_000, fraction: 123_456, data: frame(4) },
    { sec: 1_600_000_001, fraction: 7, data: frame(60).subarray(0, 50), length: 102 },
  ];
  it.for([
    ['big-endian, microseconds', MICROSECONDS],
    ['big-endian, nanoseconds', NANOSECONDS],
    ['big-endian, modified', MODIFIED],
  ] as const)('pcap, %s', ([name, magic], ctx) => {
    need(ctx, 'tshark');
    const path = join(folder, `${name}.pcap`);
    writeFileSync(path, pcap(true, magic, records));
    compare(path, 2);
  });

  it.for([
    ['little-endian', false],
    ['big-endian', true],
  ] as const)('pcapng, %s: resolutions, offsets, blocks of all kinds, sections', ([name, big], ctx) => {
    need(ctx, 'tshark');
    const [own, other] = [new Blocks(big), new Blocks(!big)];
    const time = 1_600_000_000n;
    const path = join(folder, `${name}.pcapng`);
    writeFileSync(
      path,
      Buffer.concat([
        own.section([[4, Buffer.from('a test')]]),
        own.interface(1, 0, [
          [9, Buffer.of(9)],
          [2, Buffer.from('ns0')],
        ]),
        own.interface(1, 0, [[9, Buffer.of(3)]]),
        own.interface(1, 0, [[9, Buffer.of(0x80 | 20)]]),
        own.interface(101, 0, [[14, own.seconds(1_000_000n)]]),
        own.packet(0, time * 1_000_000_000n + 987_654_321n, frame(1), 43, [[1, Buffer.from('first')]]),
        own.packet(1, time * 1000n + 5n, frame(2)),
        own.packet(2, (time << 20n) + 3n, frame(3)),
        own.packet(3, 600_000_000_000_000n + 1n, frame(4).subarray(14)),
        own.block(5, Buffer.alloc(12)),
        own.block(0x0bad_0000, Buffer.alloc(40)),
        own.obsolete(0, time * 1_000_000_000n + 1n, frame(5)),
        own.packet(0, time * 1_000_000_000n + 2n, frame(6).subarray(0, 45), 48),
        other.section(),
        other.interface(1, 0),
        other.packet(0, time * 1_000_000n + 8n, frame(7), 49, [[1, Buffer.from('other order')]]),
      ]),
    );
    const found = [...read_capture(path)];
    expect(found).toHaveLength(7);
    const [ours, theirs] = [our_rows(found), tshark_rows(path)];
    expect(ours).toEqual(theirs);
  });

  it('a simple packet, without a time', (ctx) => {
    need(ctx, 'tshark');
    const blocks = new Blocks(false);
    const path = join(folder, 'simple.pcapng');
    writeFileSync(
      path,
      Buffer.concat([
        blocks.section(),
        blocks.interface(1, 50),
        blocks.simple(frame(3)),
        blocks.simple(frame(8), 90),
      ]),
    );
    const [first, second] = tshark_rows(path);
    const ours = our_rows([...read_capture(path)]);
    expect(ours.map(({ time: _, ...row }) => row)).toEqual(
      [first!, second!].map(({ time: _, ...row }) => row),
    );
  });

  it('what is whole comes before the error, as there', (ctx) => {
    need(ctx, 'tshark');
    const whole = pcap(false, MICROSECONDS, records);
    const path = join(folder, 'short.pcap');
    writeFileSync(path, whole.subarray(0, -1));
    const { stdout, stderr, status } = spawnSync('tshark', ['-r', path, '-T', 'fields', '-e', 'frame.len'], {
      encoding: 'utf8',
    });
    expect([stdout.trim(), status]).toEqual(['46', 2]);
    expect(stderr).toContain('cut short');
    const found: CapturedPacket[] = [];
    expect(() => {
      for (const one of read_capture(path)) found.push(one);
    }).toThrow(CaptureError);
    expect(found).toHaveLength(1);
  });
});

describe('captures of ours', () => {
  const time_ns = 1_700_000_000_123_456_789n;

  it.for(['pcap', 'pcapng'] as const)('%s: tshark, tcpdump, capinfos, editcap open it', (format, ctx) => {
    need(ctx, 'tshark', 'tcpdump', 'capinfos', 'editcap');
    const path = join(folder, `ours.${format}`);
    const writer = write_capture(path, { format });
    for (let i = 0; i < 50; i++) writer.write({ data: frame(i), time_ns: time_ns + BigInt(i) });
    writer.write({ data: frame(100).subarray(0, 60), time_ns, length: 142 });
    writer.close();
    compare(path, 51);
    expect(run('tcpdump', '-nn', '-r', path).trim().split('\n')).toHaveLength(51);
    const infos = run('capinfos', '-M', path);
    expect(infos).toMatch(/Number of packets: *51\n/);
    expect(infos).toMatch(/File timestamp precision: *nanoseconds/);
    run('editcap', '-F', 'pcap', path, join(folder, 'again.pcap'));
    expect(run('tshark', '-r', path, '-T', 'fields', '-e', '_ws.malformed').trim()).toBe('');
  });

  it('pcapng: interfaces, comments, packets without a time', (ctx) => {
    need(ctx, 'tshark', 'capinfos');
    const path = join(folder, 'interfaces.pcapng');
    const interfaces = [
      { name: 'eth0', description: 'the wire' },
      { name: 'tun0', linktype: 101, snaplen: 30 },
    ];
    const writer = write_capture(path, { interfaces });
    writer.write({ data: frame(1), time_ns, comments: ['see here', 'größer'] });
    writer.write({ data: frame(9).subarray(14), time_ns, interface: 1 });
    writer.write({ data: frame(2), time_ns: time_ns + 1n });
    writer.close();
    compare(path, 3);
    const names = run(
      'tshark',
      '-r',
      path,
      '-T',
      'fields',
      '-e',
      'frame.interface_name',
      '-e',
      'frame.interface_description',
    );
    expect(names).toBe('eth0\tthe wire\ntun0\t\neth0\tthe wire\n');
    expect(run('capinfos', path)).toMatch(/Number of interfaces in file: *2\n/);
    const simple = join(folder, 'simple-ours.pcapng');
    const other = write_capture(simple);
    other.write({ data: frame(1) });
    other.close();
    expect(tshark_rows(simple)[0]).toMatchObject({ data: frame(1).toString('hex') });
  });

  it('pcapng: direction, statistics, sections; pcap in microseconds', (ctx) => {
    need(ctx, 'tshark', 'capinfos', 'tcpdump');
    const path = join(folder, 'details.pcapng');
    const filter = { filter: 'udp port 9', os: 'an OS', speed: 10n ** 9n };
    const writer = write_capture(path, { interfaces: [{ name: 'eth0', ...filter }] });
    writer.write({ data: frame(1), time_ns, direction: 'inbound' });
    writer.write({ data: frame(2), time_ns, direction: 'outbound', dropped: 4n });
    writer.write_statistics(0, { time_ns, received: 77n, dropped: 5n });
    writer.begin_section({ application: 'us', interfaces: [{ name: 'second' }] });
    writer.write({ data: frame(3), time_ns, direction: 'outbound' });
    writer.close();
    compare(path, 3);
    const fields = ['-e', 'frame.packet_flags_direction', '-e', 'frame.section_number'];
    const directions = run('tshark', '-r', path, '-T', 'fields', ...fields);
    expect(directions.replaceAll('0x0000000', '')).toBe('1\t1\n2\t1\n2\t2\n');
    const infos = run('capinfos', path);
    expect(infos).toContain('Filter string = udp port 9');
    expect(infos).toContain('Operating system = an OS');
    expect(infos).toContain('Speed = 1000000000');
    expect(infos).toContain('Capture application: us');
    expect(infos).toMatch(/Number of stat entries = 1/);
    const micro = join(folder, 'micro.pcap');
    const old = write_capture(micro, { precision: 'micro' });
    old.write({ data: frame(1), time_ns });
    old.close();
    expect(run('capinfos', '-M', micro)).toMatch(/File timestamp precision: *microseconds/);
    expect(run('tcpdump', '-nn', '-tt', '-r', micro)).toContain('1700000000.123456');
  });

  it('a stream into tshark and tcpdump', async (ctx) => {
    need(ctx, 'tshark', 'tcpdump');
    for (const [program, args] of [
      ['tshark', ['-r', '-', '-T', 'fields', '-e', 'frame.len']],
      ['tcpdump', ['-nn', '-r', '-']],
    ] as const) {
      // tshark reads a pipe, and none of the sockets that Node.js gives to children.
      const command = `cat | ${[program, ...args].join(' ')}`;
      const child = spawn('sh', ['-c', command], { stdio: ['pipe', 'pipe', 'ignore'] });
      let output = '';
      child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
        output += chunk;
      });
      const ended = new Promise((resolve) => child.on('close', resolve));
      const writer = write_capture(child.stdin);
      for (let i = 0; i < 2000; i++) await writer.write({ data: frame(100), time_ns: BigInt(i) });
      await writer.close();
      expect(await ended).toBe(0);
      expect(output.trim().split('\n')).toHaveLength(2000);
    }
  });
});
