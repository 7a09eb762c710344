import { type handleUnaryCall, Server, ServerCredentials } from '@grpc/grpc-js'

// The baseline: grpc-js alone, which gives each request back as it came, undecoded.

const asIs = (bytes: Buffer) => bytes
const echo: handleUnaryCall<Buffer, Buffer> = (call, callback) => callback(null, call.request)
const server = new Server()
server.addService(
  {
    createMachine: {
      path: '/mcm.driver.v1.Driver/CreateMachine',
      requestStream: false,
      responseStream: false,
      requestSerialize: asIs,
      requestDeserialize: asIs,
      responseSerialize: asIs,
      responseDeserialize: asIs,
    },
  },
  { createMachine: echo },
)
server.bindAsync(`unix:${process.argv[2]}`, ServerCredentials.createInsecure(), (error) => {
  if (error) throw error
  process.send?.('ready')
})
process.on('disconnect', () => process.exit(0))
