// The count of a socket's open files, for blocking files and files of promises alike. A socket that close() was called on keeps
// its descriptor until its last open file is closed or collected.

/** The part of a socket that every file needs. */
export interface CountedSocket {
  fileno(): number;
  /** The number of open files; close() of the socket waits for them. */
  _files: number;
  /** Called once a file is closed. */
  _decref_socketios(): void;
}

// Calls _decref_socketios() for a file that was collected without close(), so that its socket can free the descriptor. The
// bytes that the file had buffered are lost.
const collected = new FinalizationRegistry((socket: CountedSocket) => {
  try {
    socket._decref_socketios();
  } catch {
    // The program closed the socket long ago, so no caller is left for the error of closing the descriptor.
  }
});

/** Counts one more open file, until count_closed() or until the file is collected. */
export function count_open(file: object, socket: CountedSocket): void {
  socket._files++;
  collected.register(file, socket, file);
}

/** Counts one open file less. @throws OSError if that closes the descriptor, and closing fails */
export function count_closed(file: object, socket: CountedSocket): void {
  collected.unregister(file);
  socket._decref_socketios();
}
