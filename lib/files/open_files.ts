// The count of open files of a socket, for blocking files and files of promises alike: a socket with open files keeps its
// descriptor after close(), until the last file is closed or collected.

/** The part of a socket that every file needs. */
export interface CountedSocket {
  fileno(): number;
  /** The number of open files; close() of the socket waits for them. */
  _files: number;
  /** Called once a file is closed. */
  _decref_socketios(): void;
}

// A collected file gives up its socket's descriptor, even without close(); its unsent bytes are lost.
const collected = new FinalizationRegistry((socket: CountedSocket) => {
  try {
    socket._decref_socketios();
  } catch {
    // The program closed the socket long ago, and no caller is left to get the error of closing the descriptor.
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
