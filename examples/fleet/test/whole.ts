// What takes minutes: `npm test` runs a part of it, `npm run test:fleet` all.

/** Why a test is left out; undefined if it runs. */
export const left_out: string | undefined =
  process.env.FLEET_WHOLE === '1' ? undefined : 'npm run test:fleet runs it';
