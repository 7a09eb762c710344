import { type CallOptions, watchCall } from './call-options.ts'
import { CallAbandoned, UploadSizeError } from './errors.ts'
import type { OutgoingStream } from './outgoing-stream.ts'

/** Bytes at hand, or bytes to come (a `Readable` will do for the chunks) whose number is known. */
export type UploadSource = Uint8Array | { readonly length: number; readonly chunks: AsyncIterable<Uint8Array> }

/** Sends it all at the pace at which libvirtd takes it. On any failure libvirtd is told to stop. */
export async function sendUpload(stream: OutgoingStream, source: UploadSource, options: CallOptions): Promise<void> {
  const iterator = chunksOf(source)
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const stopWatch = watchCall(options, (reason) => reject(new CallAbandoned('storage-vol-upload', true, reason)))
  // Not a race for each chunk: the promise that never settles would hold on to every chunk.
  sendChunks(stream, iterator, source.length).catch(reject)
  stream.ended.then(resolve, reject)
  try {
    await promise
  } catch (error) {
    stream.abort()
    // Not awaited: a source that is silent for ever would be silent here too.
    void iterator.return?.().catch(() => {})
    throw error
  } finally {
    stopWatch()
  }
}

async function sendChunks(stream: OutgoingStream, chunks: AsyncIterator<Uint8Array>, length: number): Promise<void> {
  let sent = 0
  for (let next = await chunks.next(); !next.done; next = await chunks.next()) {
    sent += next.value.byteLength
    if (sent > length) throw new UploadSizeError(`the content goes on after its ${length} bytes`)
    await stream.write(next.value)
  }
  if (sent < length) throw new UploadSizeError(`the content ends after ${sent} of its ${length} bytes`)
  stream.finish()
}

function chunksOf(source: UploadSource): AsyncIterator<Uint8Array> {
  return source instanceof Uint8Array ? once(source) : source.chunks[Symbol.asyncIterator]()
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}
