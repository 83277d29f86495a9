// bsd-sockets/packet and structs where there is no addon: on another system, which a child process plays, and in a bundle for browsers.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import vm from 'node:vm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fetch_packages } from './registry.js';
import { normal_path, root, run, temporaryFolder } from './tarball.js';

const folder = temporaryFolder();

beforeAll(() => {
  const copy = join(folder, 'node_modules', 'bsd-sockets');
  mkdirSync(copy, { recursive: true });
  for (const name of ['dist', 'package.json'])
    cpSync(join(root, name), join(copy, name), { recursive: true });
});
afterAll(() => rm(folder, { recursive: true }));

/** Runs a program where the package has no binary. @returns what it printed as JSON */
function run_on(platform: string, program: string): unknown {
  const file = join(folder, 'program.mjs');
  writeFileSync(
    file,
    `Object.defineProperty(process, 'platform', { value: ${JSON.stringify(platform)} });
     const message = (error) => error.message.split('\\n');
     ${program}`,
  );
  const env = { ...process.env, BSD_SOCKETS_BINARY: '' };
  const { stdout, stderr } = spawnSync(process.execPath, [file], { encoding: 'utf8', env, cwd: folder });
  expect(stderr).toBe('');
  return JSON.parse(stdout);
}

describe.each(['darwin', 'win32', 'freebsd', 'linux'])('%s, without the addon', (platform) => {
  test('packets are built, parsed, shown, summed, and kept in capture files', () => {
    const results = run_on(
      platform,
      `import * as packet from 'bsd-sockets/packet';
       const { build, ipv4, ipv6, udp, parse, checksum, show, read_capture, write_capture } = packet;
       const bytes = build(ipv4({ src: '192.0.2.1', dst: '192.0.2.2' }), udp({ src_port: 1, dst_port: 53 }), packet.payload('x'.repeat(1000)));
       const six = build(ipv6({ src: '2001:db8::1', dst: 'fe80::192.0.2.1' }), udp({ src_port: 1, dst_port: 53 }));
       const options = { linktype: packet.LINKTYPE_RAW };
       const file = write_capture('test.pcap', options);
       file.write(bytes);
       file.write(six);
       file.close();
       const later = [];
       for await (const { data } of read_capture('test.pcap')) later.push(data.length);
       const large = new Uint8Array(5001).fill(7);
       console.log(JSON.stringify([
         parse(bytes, options).problems,
         parse(six, options).get('ipv6').dst,
         [...read_capture('test.pcap')].map(({ data }) => data.equals(bytes) || data.equals(six)),
         later,
         checksum(large),
         show(parse(bytes, options)).includes('udp'),
         await packet.send_receive([[ipv4({ dst: '192.0.2.1' })]]).catch(message).then((lines) => lines.length),
         await (async () => packet.packet_ring('lo'))().catch(message).then((lines) => lines.length),
       ]));`,
    );
    expect(results).toEqual([[], 'fe80::c000:201', [true, true], [1028, 48], 0x585f, true, 3, 3]);
  });
});

test('structs are those of 64-bit Linux; their address fields need Linux', () => {
  const results = run_on(
    'darwin',
    `import * as structs from 'bsd-sockets/structs';
     const { sec, usec } = structs.timeval.decode(structs.timeval.encode({ sec: -1, usec: 2 }));
     const attempt = (call) => { try { return call(); } catch (error) { return message(error).length; } };
     console.log(JSON.stringify([
       structs.linger.encode({ onoff: 1, linger: 5 }).toString('hex'),
       [sec, usec],
       attempt(() => structs.ip_mreq.encode({ multiaddr: '224.0.0.1' })),
     ]));`,
  );
  expect(results).toEqual(['0100000005000000', [-1, 2], 3]);
});

test.each(['socket', 'promises', 'selectors', 'socketserver'])(
  'importing %s on another system says in three lines which modules need Linux',
  (face) => {
    const lines = run_on(
      'darwin',
      `console.log(JSON.stringify([
         await import('bsd-sockets/${face}').catch(message),
         await import('bsd-sockets').catch(message),
       ]));`,
    );
    const expected = [
      expect.stringMatching(
        /^bsd-sockets: socket, promises, selectors, socketserver and the command need Linux/,
      ),
      expect.any(String),
      expect.any(String),
    ];
    expect(lines).toEqual([expected, expected]);
  },
);

test('a bundle for browsers builds and parses, without a module of Node', (ctx) => {
  const esbuild = join(fetch_packages(ctx, 'esbuild@0.28'), 'esbuild', 'bin', 'esbuild');
  writeFileSync(
    join(folder, 'page.mjs'),
    `import { build, ipv6, LINKTYPE_RAW, packet_ring, parse, payload, send_receive, udp } from 'bsd-sockets/packet';
     const bytes = build(ipv6({ src: '::1', dst: '::2' }), udp({ src_port: 1, dst_port: 2 }), payload('x'.repeat(1000)));
     globalThis.result = [parse(bytes, { linktype: LINKTYPE_RAW }).problems.length, bytes.length];
     send_receive([]).catch((error) => { globalThis.message = error.message; });
     try { packet_ring('lo'); } catch (error) { globalThis.refusal = error.message; }`,
  );
  const output = join(folder, 'page.js');
  const made = run(
    folder,
    normal_path,
    esbuild,
    'page.mjs',
    '--bundle',
    '--platform=browser',
    `--outfile=${output}`,
  );
  expect(made).toMatchObject({ code: 0 });
  const text = readFileSync(output, 'utf8');
  expect(text).not.toMatch(/require\("node:/);
  // What every browser has, and Buffer.
  const context = vm.createContext({ Buffer, TextEncoder, TextDecoder });
  vm.runInContext(text, context);
  expect(JSON.parse(JSON.stringify(context.result))).toEqual([0, 1048]);
  expect(context.refusal).toBe('bsd-sockets: packet_ring needs Node.js on Linux');
});
