import { ensureDebianPackages } from '../env/debian-packages.ts'
import { ensureGuestImage } from '../env/guest-image.ts'
import { ensureVmTools } from '../env/vm-tools.ts'

/** Runs once before all tests of this level: installs what they need, and builds the image that they share. */
export async function setup(): Promise<void> {
  const signal = AbortSignal.timeout(900_000)
  const log = (line: string) => console.log(line)
  const confirm = async () => true
  const tools = await ensureVmTools({ signal, confirm, log })
  // The referee for seeds, a program that we did not write; and the firmware of machines with UEFI.
  await ensureDebianPackages(['xorriso', 'ovmf'], { signal, confirm, log })
  log(`virtual machines: QEMU ${tools.qemu}, libvirt ${tools.libvirt}`)
  await ensureGuestImage({ signal, log })
}
