export type ArchiveEntry =
  | { readonly type: 'folder'; readonly path: string }
  | { readonly type: 'file'; readonly path: string; readonly content: Uint8Array; readonly executable?: boolean }
  | { readonly type: 'link'; readonly path: string; readonly target: string }
  | { readonly type: 'device'; readonly path: string; readonly major: number; readonly minor: number }

/**
 * A cpio archive in the "newc" format, as the kernel unpacks it for its first file system.
 *
 * The cpio program would copy owner, time and device nodes from a folder; making nodes and files of root there
 * needs root. Written directly, anybody can build it and the same input gives the same bytes.
 * Format: the kernel's Documentation/driver-api/early-userspace/buffer-format.rst.
 */
export function cpioArchive(entries: readonly ArchiveEntry[]): Buffer {
  const parts: Buffer[] = []
  entries.forEach((entry, index) => {
    parts.push(...record(index + 1, entry.path, modeOf(entry), contentOf(entry), entry))
  })
  parts.push(...record(0, 'TRAILER!!!', 0, Buffer.alloc(0)))
  return Buffer.concat(parts)
}

function record(inode: number, path: string, mode: number, content: Uint8Array, entry?: ArchiveEntry): Buffer[] {
  const name = Buffer.from(`${path}\0`)
  const [major, minor] = entry?.type === 'device' ? [entry.major, entry.minor] : [0, 0]
  // inode mode uid gid links time size device(2) node(2) name-size checksum
  const fields = [inode, mode, 0, 0, 1, 0, content.length, 0, 0, major, minor, name.length, 0]
  const header = `070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`
  return [padded(Buffer.concat([Buffer.from(header), name])), padded(content)]
}

function modeOf(entry: ArchiveEntry): number {
  switch (entry.type) {
    case 'folder':
      return 0o040755
    case 'file':
      return entry.executable ? 0o100755 : 0o100644
    case 'link':
      return 0o120777
    case 'device':
      return 0o020600
  }
}

function contentOf(entry: ArchiveEntry): Uint8Array {
  switch (entry.type) {
    case 'file':
      return entry.content
    case 'link':
      return Buffer.from(entry.target)
    case 'folder':
    case 'device':
      return Buffer.alloc(0)
  }
}

function padded(bytes: Uint8Array): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)])
}
