"""Files: the recording, streams, morphologies, arrays; atomic writing and provenance."""
