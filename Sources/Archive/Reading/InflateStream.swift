internal import CZlib

/// Decompresses gzip: one member, or several one after the other, and zeros behind them.
///
/// Checksums and sizes are verified. The window is the 32 KiB that deflate has, so that memory is small and constant.
///
/// - SeeAlso: RFC 1952
package struct InflateStream: Decompressor, ~Copyable, @unchecked Sendable {
    private enum State {
        /// Before the first member, which has to come.
        case beginning
        case member
        /// Behind a member: another one, padding or nothing.
        case between
        case padding
    }

    // SAFETY: zlib's state refers to itself by its address, hence a place of its own in memory. It has one owner, as
    // the struct cannot be copied, and only methods that are mutating use it.
    private let stream: UnsafeMutablePointer<z_stream>
    private var input = PendingInput()
    private var state = State.beginning
    /// Whether the last chunk was full, so that there may be more without further input.
    private var mayHoldMore = false

    package init() {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        // 15: the largest window; 16: gzip's header and trailer around it.
        let status = inflateInit2_(stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        // Out of memory, or built against another zlib than the one loaded: nothing can go on.
        precondition(status == Z_OK, "zlib does not start: error \(status)")
    }

    deinit {
        inflateEnd(stream)
        stream.deinitialize(count: 1)
        stream.deallocate()
    }

    package mutating func append(_ bytes: [UInt8]) { input.append(bytes) }

    package mutating func next() throws(DecompressionError) -> [UInt8]? {
        while !input.isEmpty || mayHoldMore {
            try beginMember()
            guard state == .member else { continue }
            var status = Z_OK
            let chunk = inflateChunk(&status)
            switch status {
            case Z_STREAM_END:
                state = .between
                mayHoldMore = false
            case Z_OK: mayHoldMore = chunk.count == Self.chunkSize
            // No progress: all of the input is taken, and all of the output given.
            case Z_BUF_ERROR: mayHoldMore = false
            default: throw .malformed
            }
            if !chunk.isEmpty { return chunk }
        }
        return nil
    }

    package func finish() throws(DecompressionError) {
        guard state == .between || state == .padding, input.isEmpty else { throw .cutShort }
    }

    /// Goes from one member to the next, and over padding.
    private mutating func beginMember() throws(DecompressionError) {
        switch state {
        case .member: return
        case .beginning: state = .member
        case .between where input.first == 0x1F:
            let status = inflateReset(stream)
            precondition(status == Z_OK, "zlib's state is damaged")
            state = .member
        case .between, .padding:
            // What fills the last record of a tape or a block of a disk. Anything else is no part of the format.
            let isPadding = input.withUnsafeBytes { $0.allSatisfy { $0 == 0 } }
            guard isPadding else { throw .malformed }
            state = .padding
            input = PendingInput()
        }
    }

    private mutating func inflateChunk(_ status: inout Int32) -> [UInt8] {
        let stream = stream
        var taken = 0
        let chunk = input.withUnsafeBytes { input in
            // SAFETY: zlib reads and writes only within the buffers lent to it, and uses their pointers during the
            // call alone.
            [UInt8](unsafeUninitializedCapacity: Self.chunkSize) { output, count in
                stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
                stream.pointee.avail_in = UInt32(clamping: input.count)
                stream.pointee.next_out = output.baseAddress
                stream.pointee.avail_out = UInt32(Self.chunkSize)
                let offered = stream.pointee.avail_in
                status = inflate(stream, Z_NO_FLUSH)
                taken = Int(offered - stream.pointee.avail_in)
                count = Self.chunkSize - Int(stream.pointee.avail_out)
            }
        }
        input.consume(taken)
        return chunk
    }
}
