// The types of captures: a file is written at once, a stream by promises.
import type { Writable } from 'node:stream';
import {
  type CapturedPacket,
  type CaptureFile,
  type CaptureStream,
  type Packet,
  parse,
  read_capture,
  write_capture,
} from 'bsd-sockets/packet';
import { expectTypeOf, test } from 'vitest';

test('what read_capture gives', () => {
  const capture = read_capture([]);
  expectTypeOf(() => [...capture]).returns.toEqualTypeOf<CapturedPacket[]>();
  expectTypeOf<CapturedPacket['time_ns']>().toEqualTypeOf<bigint | undefined>();
  expectTypeOf(capture.format).toEqualTypeOf<'pcap' | 'pcapng' | undefined>();
  // A captured packet is what parse wants beside the bytes, and what a capture takes.
  expectTypeOf((packet: CapturedPacket) => parse(packet.data, packet)).returns.toEqualTypeOf<Packet>();
  expectTypeOf<CapturedPacket>().toExtend<Parameters<CaptureFile['write']>[0]>();
});

test('what write_capture gives follows from the target', () => {
  expectTypeOf((path: string) => write_capture(path)).returns.toEqualTypeOf<CaptureFile>();
  expectTypeOf((fd: number) => write_capture(fd)).returns.toEqualTypeOf<CaptureFile>();
  expectTypeOf((stream: Writable) => write_capture(stream)).returns.toEqualTypeOf<CaptureStream>();
  expectTypeOf<ReturnType<CaptureFile['write']>>().toEqualTypeOf<void>();
  expectTypeOf<CaptureFile['write_statistics']>().toBeCallableWith(0, { time_ns: 1n, received: 1n });
  // @ts-expect-error the counts are those at a time
  expectTypeOf<CaptureStream['write_statistics']>().toBeCallableWith(0, { received: 1n });
  expectTypeOf<ReturnType<CaptureStream['write']>>().toEqualTypeOf<Promise<void>>();
  const wrong = [
    // @ts-expect-error there is no such format
    () => write_capture('x', { format: 'erf' }),
    // @ts-expect-error no target
    () => write_capture(null),
    // @ts-expect-error nanoseconds are a bigint
    () => write_capture('x').write({ data: Buffer.alloc(1), time_ns: 1 }),
  ];
  void wrong;
});
