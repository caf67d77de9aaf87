// Compresses a file as the packager does, once for each line that comes in, and says how much processor time that took
// and what became of it. Built with the encoder's own sources by `compression`.
import Glibc

@main
struct Compression {
    private static let pieceSize = 1_048_576

    static func main() {
        guard let path = CommandLine.arguments.dropFirst().first, let bytes = contents(of: path) else {
            fputs("there is no file to compress\n", stderr)
            exit(1)
        }
        let starts = Array(stride(from: 0, to: max(1, bytes.count), by: pieceSize))
        // As a stream has them: what stands before a piece goes along.
        let pieces = starts.map { start in
            let window = max(0, start - DeflateFormat.windowSize)
            return (Array(bytes[window..<min(bytes.count, start + pieceSize)]), start - window)
        }
        var encoder = DeflateEncoder()
        while readLine() != nil {
            let begun = processorTime()
            var size = 0
            for (index, (piece, start)) in pieces.enumerated() {
                size += encoder.encode(piece, from: start, isLast: index == pieces.count - 1).count
            }
            print(processorTime() - begun, size)
            fflush(stdout)
        }
    }

    private static func processorTime() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    private static func contents(of path: String) -> [UInt8]? {
        guard let file = fopen(path, "rb") else { return nil }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = fread(&chunk, 1, chunk.count, file)
            guard count > 0 else { return bytes }
            bytes += chunk[..<count]
        }
    }
}
