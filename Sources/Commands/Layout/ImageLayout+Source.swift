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
    /// Those that say something about others, and about those in turn.
    static func referring(to subjects: Set<Digest>, among steps: [ImagePush.Step]) -> [ImagePush.Step] {
        var waiting = steps
        var known = subjects
        var found: [ImagePush.Step] = []
        while let index = waiting.firstIndex(where: {
            $0.manifest.subject.map { known.contains($0.digest) } ?? false
        }) {
            let step = waiting.remove(at: index)
            if known.insert(step.descriptor.digest).inserted { found.append(step) }
        }
        return found
    }
}
