/** What the Python programs of this level need. */
export const pythonPackages = [
  'grpcio==1.85.*',
  'grpcio-reflection==1.85.*',
  'grpcio-status==1.85.*',
  'grpcio-health-checking==1.85.*',
]
