import OCI
import Testing

@testable import Packager

@Suite("Programs that become no image")
struct RefusalTests {
    private static let packager = Packager(certificates: nil, workerCount: 1)

    private static func begin(size: Int) throws -> ImageBuilder {
        packager.begin(ImageRequest(name: try executableName("app"), size: UInt64(size)))
    }

    @Test("A script is refused after 4 KiB, however large it is said to be")
    func early() async throws {
        var builder = try Self.begin(size: 1 << 40)
        let script = Array("#!/bin/sh\n".utf8) + [UInt8](repeating: 0x23, count: 4085)
        _ = try await builder.append(script)
        let error = await #expect(throws: PackagingError.self) { _ = try await builder.append([0x0A, 0x0A]) }
        guard case .refused(let refusal) = error else {
            Issue.record("not refused: \(String(describing: error))")
            return
        }
        #expect(refusal.category == .notAnExecutable)
        #expect(refusal.reason == "script")
        #expect(error?.description == refusal.message)
        #expect(refusal.message.contains("/bin/sh"))
    }

    @Test("A file shorter than that is refused with its last byte", arguments: 1...3)
    func short(appendSize: Int) async throws {
        let text = Array("MZ a Windows program".utf8)
        await #expect(throws: PackagingError.self) {
            _ = try await package(text, with: Self.packager, appendSizes: { appendSize })
        }
    }

    @Test("An empty file is refused")
    func empty() async throws {
        var builder = try Self.begin(size: 0)
        let error = await #expect(throws: PackagingError.self) {
            _ = try await builder.finish(digest: Digest(of: [])) { _ in [] }
        }
        guard case .refused(let refusal) = error else {
            Issue.record("not refused: \(String(describing: error))")
            return
        }
        #expect(refusal.reason == "empty")
        #expect(refusal.category == .notAnExecutable)
    }

    @Test("A program whose headers speak of more than comes is refused as cut short")
    func cutShort() async throws {
        let whole = staticExecutable(compressibleBytes(count: 50_000, seed: 31))
        let error = await #expect(throws: PackagingError.self) {
            _ = try await package(Array(whole.dropLast()), with: Self.packager)
        }
        guard case .refused(let refusal) = error else {
            Issue.record("not refused: \(String(describing: error))")
            return
        }
        #expect(refusal.reason == "cut-short")
        #expect(refusal.category == .cannotRun)
    }

    @Test("More bytes than were announced are an error at once, fewer at the end")
    func wrongSize() async throws {
        let program = staticExecutable([1, 2, 3])
        let size = UInt64(program.count)
        var builder = try Self.begin(size: program.count)
        _ = try await builder.append(program)
        await #expect(throws: PackagingError.wrongSize(announced: size, received: size + 1)) {
            _ = try await builder.append([0])
        }
        builder = try Self.begin(size: program.count)
        _ = try await builder.append(Array(program.dropLast()))
        await #expect(throws: PackagingError.wrongSize(announced: size, received: size - 1)) {
            _ = try await builder.finish(digest: Digest(of: [])) { range in
                Array(program[Int(range.lowerBound)..<Int(range.upperBound)])
            }
        }
    }

    @Test("An error of whoever reads the program back comes through")
    func failingRead() async throws {
        struct DiskFailure: Error {}
        let program = staticExecutable([1, 2, 3])
        var builder = try Self.begin(size: program.count)
        _ = try await builder.append(program)
        await #expect(throws: DiskFailure.self) {
            _ = try await builder.finish(digest: Digest(of: [])) { _ in throw DiskFailure() }
        }
    }

    @Test("Builders dropped midway leave the workers to others")
    func abandonment() async throws {
        let block = compressibleBytes(count: 1_048_576, seed: 32)
        let program = staticExecutable(block)
        for _ in 0..<5 {
            var builder = try Self.begin(size: 1 << 30)
            _ = try await builder.append(program)
            _ = try await builder.append(block)
        }
        let packaged = try await package(program, with: Self.packager)
        #expect(packaged.image.executable.size == UInt64(program.count))
    }

    @Test("A cancelled task stops building")
    func cancellation() async throws {
        let program = staticExecutable(compressibleBytes(count: 100_000, seed: 33))
        let builder = try Self.begin(size: 1 << 40)
        let task = Task {
            var builder = builder
            while true { _ = try await builder.append(program) }
        }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }
}
