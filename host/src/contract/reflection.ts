import { create, type DescFile, toBinary } from '@bufbuild/protobuf'
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt'
import type { Server } from '@grpc/grpc-js'
import { loadFileDescriptorSetFromBuffer, loadSync } from '@grpc/proto-loader'
import { ReflectionService } from '@grpc/reflection'
import { file_mcm_driver_v1_driver, file_mcm_driver_v1_plugins, StatusSchema } from '@mcm/sdk/contract'
import { protoPath as healthProto } from 'grpc-health-check'

/** Adds server reflection, so that any client can learn the contract, the error details included. */
export function addReflection(server: Server): void {
  const contract = loadFileDescriptorSetFromBuffer(
    descriptorSet([file_mcm_driver_v1_driver, file_mcm_driver_v1_plugins, StatusSchema.file]),
  )
  new ReflectionService({ ...contract, ...loadSync(healthProto) }).addToServer(server)
}

function descriptorSet(roots: readonly DescFile[]): Buffer {
  const files = new Set<DescFile>()
  // A file comes after those that it imports, as descriptor sets have it.
  const add = (file: DescFile) => {
    file.dependencies.forEach(add)
    files.add(file)
  }
  roots.forEach(add)
  const set = create(FileDescriptorSetSchema, { file: [...files].map(({ proto }) => proto) })
  return Buffer.from(toBinary(FileDescriptorSetSchema, set))
}
