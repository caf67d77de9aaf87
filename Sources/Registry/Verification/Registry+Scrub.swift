import Logging
import OCI
import Storage

extension Registry {
    /// Reads blobs again from where the last call stopped, slowly, until all have been read.
    ///
    /// Returns at once where a round has been done within a day.
    ///
    /// `rate`: in bytes a second.
    ///
    /// - Throws: `CancellationError` where the task is cancelled; the next call goes on then, after a restart too.
    package func scrub(rate: Int64) async throws {
        var progress = try await catalog.scrubProgress()
        if let round = progress, round.isDone {
            let next = round.begun + Self.scrubInterval
            // A clock that was set back must not stop it for ever.
            guard next <= clock() || round.begun > clock() else { return }
            progress = nil
        }
        let begun = progress?.begun ?? clock()
        var last = progress?.last
        var unsaved = 0
        while true {
            let page = try await catalog.storedBlobs(after: last, limit: Self.scrubPortion)
            for blob in page {
                try await scrub(blob, rate: rate)
                last = blob.record.id
                unsaved += 1
                guard unsaved == Self.scrubPortion || blob.record.size > rate * Self.secondsUnsaved else {
                    continue
                }
                try await catalog.saveScrubProgress(.init(begun: begun, last: last, isDone: false))
                unsaved = 0
            }
            if page.isEmpty { break }
        }
        try await catalog.saveScrubProgress(.init(begun: begun, last: nil, isDone: true))
    }

    private static var scrubInterval: Duration { .seconds(24 * 3600) }
    private static var scrubPortion: Int { 64 }
    /// A blob that takes longer than this is not read twice for a restart.
    private static var secondsUnsaved: Int64 { 10 }

    /// What one more file costs besides its bytes, so that many small ones are not read all at once.
    private static var costPerFile: Int { 64 * 1024 }

    private func scrub(_ blob: StoredBlob, rate: Int64) async throws {
        try await Self.pause(for: Self.costPerFile, rate: rate)
        let outcome = try await examine(blob) { count in try await Self.pause(for: count, rate: rate) }
        let digest = blob.record.digest
        switch outcome {
        case .whole, .gone, .damaged(_, isNew: false): break
        case .restored:
            logger.notice("a blob that was quarantined is whole", metadata: ["digest": "\(digest)"])
        case .damaged(let condition, isNew: true):
            let uses = try await catalog.uses(of: digest, limit: 4)
            let finding = VerificationFinding(
                digest: digest,
                problem: .blob(condition, size: blob.record.size),
                uses: uses,
                hasMoreUses: false,
                isNew: true
            )
            logger.warning(
                "a blob is damaged; the next push of it heals it",
                metadata: [
                    "problem": "\(finding)",
                    "images": "\(uses.map(\.description).joined(separator: ", "))",
                ]
            )
        }
    }

    /// Waits as long as so many bytes may take.
    private static func pause(for count: Int, rate: Int64) async throws {
        try await Task.sleep(for: .nanoseconds(Int64(Double(count) / Double(rate) * 1_000_000_000)))
    }
}
