// The types of errors: which fields there are, and which may be undefined.
import * as promises from 'bsd-sockets/promises';
import * as selectors from 'bsd-sockets/selectors';
import * as socket from 'bsd-sockets/socket';
import { expectTypeOf, test } from 'vitest';

test('an OSError may have a hint, a gaierror a host and a service', () => {
  const error = new socket.OSError(111, 'Connection refused');
  expectTypeOf(error.hint).toEqualTypeOf<string | undefined>();
  expectTypeOf(new socket.ConnectionRefusedError('x').hint).toEqualTypeOf<string | undefined>();
  expectTypeOf(new socket.herror(1, 'x').hint).toEqualTypeOf<string | undefined>();
  const lookup = new socket.gaierror(-2, 'Name or service not known');
  expectTypeOf(lookup.hint).toEqualTypeOf<string | undefined>();
  expectTypeOf(lookup.host).toEqualTypeOf<string | undefined>();
  expectTypeOf(lookup.service).toEqualTypeOf<string | undefined>();
  // @ts-expect-error only a gaierror has a host
  expectTypeOf(error.host).toEqualTypeOf<undefined>();
  // @ts-expect-error only a gaierror has a service
  expectTypeOf(new socket.herror(1, 'x').service).toEqualTypeOf<undefined>();
});

test('every module has the same classes', () => {
  expectTypeOf(promises.gaierror).toEqualTypeOf(socket.gaierror);
  expectTypeOf(selectors.OSError).toEqualTypeOf(socket.OSError);
});
