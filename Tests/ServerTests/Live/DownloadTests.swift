import Archive
import Foundation
import OCI
import Server
import TestSupport
import Testing

/// Downloads of executables on a real connection, by clients that are slow, or go away, out of layers that are damaged.
@Suite("Downloads of executables")
struct DownloadTests {
    /// Nothing that compression could shorten, so that what is read is as long as what is sent; and more than the kernel
    /// keeps for a client that does not read.
    private static let large = TimeLimitTests.large.bytes

    /// A few portions.
    private static let program = Array(large.prefix(2_000_003))

    /// Made once: a test that keeps a processor busy holds up the others.
    private static let images = images(of: program)
    private static let largeImages = images(of: large)

    private static func images(
        of program: [UInt8]
    ) -> [StreamCompression: Result<ExecutableImageFixture, any Error>] {
        let all: [StreamCompression] = [.gzip, .zstd, .none]
        return Dictionary(
            uniqueKeysWithValues: all.map { compression in
                (compression, Result { try ExecutableImageFixture(program, compression) })
            }
        )
    }

    private static let request = "GET /app:x?file HTTP/1.1\r\nHost: localhost\r\n"

    private func path(of image: ExecutableImageFixture, _ server: TestServer) -> String {
        server.test.folder.file("blobs/sha256/\(image.layer.digest.encoded)")
    }

    private func reads(of path: String, _ server: TestServer) -> Int {
        server.test.files.calls.count { $0.operation == .read && $0.path == path }
    }

    @Test("A client that reads slowly gets it all", arguments: [StreamCompression.gzip, .zstd, .none])
    func slow(_ compression: StreamCompression) async throws {
        try await withServer(limits: TimeLimitTests.ample) { server in
            try await server.direct.push(#require(Self.images[compression]).get(), to: "app", as: "x")
            let connection = try server.connect(
                receiveBuffer: 64 << 10,
                sending: Self.request + "Connection: close\r\n\r\n"
            )
            #expect(try await connection.readHead().status == 200)
            var bytes = try await connection.readSlowly(512 << 10, piece: 32 << 10, every: .milliseconds(30))
            bytes += try await connection.readToEnd()
            #expect(bytes == Self.program)
        }
    }

    @Test(
        "For a client that does not read, nothing more is decompressed",
        arguments: [StreamCompression.gzip, .zstd]
    )
    func stalled(_ compression: StreamCompression) async throws {
        try await withServer(limits: TimeLimitTests.short) { server in
            let image = try #require(Self.largeImages[compression]).get()
            try await server.direct.push(image, to: "app", as: "x")
            let path = path(of: image, server)
            let before = reads(of: path, server)
            let connection = try server.connect(receiveBuffer: 4096, sending: Self.request + "\r\n")
            let line = try await server.log.line { $0.metadata["outcome"] == "interrupted" }
            #expect(line.metadata["path"] == "/app:x")
            // The kernel and the connection hold some of it; the rest was never read.
            #expect(reads(of: path, server) - before < Self.large.count / (128 << 10) * 3 / 4)
            #expect(try await connection.readToEnd().count < Self.large.count)
            #expect(server.log.errors.isEmpty)
        }
    }

    @Test("A client that vanishes takes nobody with it", arguments: [false, true])
    func vanishes(isReset: Bool) async throws {
        try await withServer { server in
            let image = try #require(Self.largeImages[.gzip]).get()
            try await server.direct.push(image, to: "app", as: "x")
            for range in ["", "Range: bytes=9000000-\r\n"] {
                let connection = try server.connect(
                    receiveBuffer: 4096,
                    sending: Self.request + range + "\r\n"
                )
                _ = try await connection.read(1000)
                if isReset { connection.reset() } else { connection.close() }
            }
            try await eventually("the ends of both") {
                server.log.all.count { $0.metadata["outcome"] == "interrupted" } == 2 ? () : nil
            }
            let reply = try await server.client.send("GET", "/app:x?file")
            #expect(reply.content == Self.large)
            #expect(server.log.errors.isEmpty)
        }
    }

    @Test("One connection serves one after the other", arguments: [StreamCompression.gzip, .zstd, .none])
    func keepAlive(_ compression: StreamCompression) async throws {
        try await withServer { server in
            try await server.direct.push(#require(Self.images[compression]).get(), to: "app", as: "x")
            let connection = try server.connect(
                sending: Self.request + "\r\n" + Self.request + "Range: bytes=1900000-1900009\r\n\r\n"
                    + "HEAD /app:x?file HTTP/1.1\r\nHost: localhost\r\n\r\n" + Self.request
                    + "Range: bytes=-5\r\n\r\n"
            )
            #expect(try await connection.readReply().content == Self.program)
            #expect(try await connection.readReply().content == Array(Self.program[1_900_000...1_900_009]))
            #expect(try await connection.readReply(to: "HEAD").status == 200)
            #expect(try await connection.readReply().content == Array(Self.program.suffix(5)))
            connection.close()
        }
    }

    @Test(
        "A layer that is damaged ends the connection before its last byte",
        arguments: [StreamCompression.gzip, .zstd]
    )
    func damaged(_ compression: StreamCompression) async throws {
        try await withServer { server in
            let image = try #require(Self.images[compression]).get()
            try await server.direct.push(image, to: "app", as: "x")
            let file = try FileHandle(forUpdating: URL(filePath: path(of: image, server)))
            try file.seek(toOffset: UInt64(image.layer.bytes.count * 2 / 3))
            try file.write(contentsOf: [UInt8](repeating: 0x55, count: 64))
            try file.close()
            let connection = try server.connect(sending: Self.request + "\r\n")
            let head = try await connection.readHead()
            #expect(head.status == 200 && head["Content-Length"] == "\(Self.program.count)")
            let content = try await connection.readToEnd()
            #expect(content.count < Self.program.count)
            let line = try await eventually("a line about it") { server.log.errors.first }
            #expect(line.message == "a reply broke off")
            #expect(line.metadata["error"]?.contains(image.layer.digest.encoded) == true)
        }
    }

    @Test("A manifest that lies about the digest ends the connection before the last byte")
    func wrongDigest() async throws {
        try await withServer { server in
            var claims = ExecutableImageFixture.Claims()
            claims.digest = Digest(of: [])
            let program = Array(Self.program.prefix(700_000))
            try await server.direct.push(
                ExecutableImageFixture(program, .gzip, claims: claims),
                to: "app",
                as: "x"
            )
            let connection = try server.connect(sending: Self.request + "\r\n")
            #expect(try await connection.readHead().status == 200)
            #expect(try await connection.readToEnd().count < program.count)
        }
    }
}
