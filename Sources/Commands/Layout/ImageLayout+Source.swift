import NIOPosix
import OCI

extension ImageLayout: ImageSource {
    func readManifest(_ descriptor: Descriptor) async throws -> (bytes: [UInt8], manifest: Manifest) {
        try await NIOThreadPool.singleton.runIfActive { try manifest(descriptor) }
    }

    func blob(_ descriptor: Descriptor) throws -> BlobSource {
        .file(
            FilePart(path: try path(of: descriptor.digest), offset: 0, size: descriptor.size, isWhole: true)
        )
    }

    func referrers(of subjects: Set<Digest>) async throws -> [ImagePush.Step] {
        var waiting: [ImagePush.Step] = []
        for entry in entries where entry.annotations[Self.referenceName] == nil {
            waiting += try await steps(to: entry)
        }
        return ImagePush.Step.referring(to: subjects, among: waiting)
    }
}

extension ImagePush.Step {
    /// Those that say something about others, each behind what it lists, and about those in turn.
    ///
    /// `steps`: what several entries lead to, each as `ImageSource.steps(to:)` gives it.
    static func referring(to subjects: Set<Digest>, among steps: [ImagePush.Step]) -> [ImagePush.Step] {
        var search = ReferrerSearch(steps, known: subjects)
        for (position, step) in steps.enumerated() {
            if let subject = step.manifest.subject, subjects.contains(subject.digest) {
                search.take(position)
            }
        }
        var next = 0
        while next < search.found.count {
            search.takeReferrers(of: search.found[next].descriptor.digest)
            next += 1
        }
        return search.found
    }
}

/// A walk from subjects to what refers to them, in a time that grows with how much there is.
private struct ReferrerSearch {
    private let steps: [ImagePush.Step]
    /// Where each manifest stands first; what it lists stands before it.
    private let positions: [Digest: Int]
    private let referrers: [Digest: [Int]]
    private var known: Set<Digest>
    private(set) var found: [ImagePush.Step] = []

    init(_ steps: [ImagePush.Step], known: Set<Digest>) {
        self.steps = steps
        self.known = known
        positions = Dictionary(steps.enumerated().map { ($1.descriptor.digest, $0) }) { first, _ in first }
        referrers = steps.indices.reduce(into: [:]) { referrers, position in
            guard let subject = steps[position].manifest.subject else { return }
            referrers[subject.digest, default: []].append(position)
        }
    }

    /// Finds a manifest with everything that it lists, unless that was found before.
    mutating func take(_ position: Int) {
        var taken: [Int] = []
        var waiting = [position]
        while let next = waiting.popLast() {
            guard known.insert(steps[next].descriptor.digest).inserted else { continue }
            taken.append(next)
            waiting += steps[next].children.compactMap { positions[$0.digest] }
        }
        found += taken.sorted().map { steps[$0] }
    }

    mutating func takeReferrers(of subject: Digest) {
        for position in referrers[subject] ?? [] { take(position) }
    }
}
