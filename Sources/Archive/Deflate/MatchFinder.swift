/// Finds in a piece what has stood shortly before, and says the piece as literals and matches.
///
/// Of all places where four bytes of the same hash stood, the last two are known. Where one of them begins a match, it is
/// taken unless the next position has a longer one; up to eight bytes are compared for that.
struct MatchFinder: Sendable {
    /// The two places that a hash is known from, as the lowest 16 bits of their positions, the later one lower.
    ///
    /// A place that is further away than that tells is taken for a nearer one, and a place that there never was for the
    /// beginning. Neither does harm, since what stands there is compared.
    private var places = [UInt32](repeating: 0, count: 1 << hashBits)

    /// What stands at a position, as far as a look at it tells.
    private struct Candidate {
        /// The length of the match, which may be longer if it is 8, and no match if it is less than 4; behind it the distance.
        ///
        /// A number rather than two, so that the better of two candidates is chosen without a branch.
        let parts: UInt32
        var length: UInt32 { parts >> 16 }
        var distance: Int { Int(parts & 0xFFFF) }
    }

    /// The table then has 128 KiB: the processor's second cache holds it besides what else is needed.
    private static let hashBits = 15
    private static let minimumLength: UInt32 = 4
    /// The length up to which a look at a position compares.
    private static let wordSize = 8
    /// Of a match that many positions are remembered: more would cost a tenth of the time for a two-hundredth of the size.
    private static let insertionLimit = 8
    /// After so many literals in a row every further position is left out, after twice as many two of three, and so on:
    /// what does not repeat is soon through.
    private static let patience = 64

    /// Forgets all that was seen.
    mutating func reset() {
        for index in places.indices { places[index] = 0 }
    }

    /// Sees bytes that matches may refer to.
    mutating func insert(_ bytes: RawSpan, in range: Range<Int>) {
        var places = places.mutableSpan
        let end = min(range.upperBound, bytes.byteCount - Self.wordSize)
        var position = range.lowerBound
        while position < end {
            Self.insert(position, of: bytes, to: &places)
            position += 1
        }
    }

    /// Says what stands from a position on, as far as one block goes.
    ///
    /// - Parameters:
    ///   - block: Says nothing yet.
    ///   - bytes: What is to be said, and what stands before it.
    ///   - start: The position.
    /// - Returns: How far that is.
    mutating func fill(_ block: inout DeflateBlock, from bytes: RawSpan, at start: Int) -> Int {
        let regularEnd = min(bytes.byteCount, start + DeflateBlock.regularSize)
        // From here on there is a word at every position and at the next one.
        let searchEnd = min(regularEnd, bytes.byteCount - 2 * Self.wordSize)
        let position = Self.search(bytes, from: start, to: searchEnd, &places, &block)
        guard block.matchCount < block.matches.count else { return position }
        let end = max(position, regularEnd)
        var literals = block.literalFrequencies.mutableSpan
        Self.countLiterals(bytes, in: position..<end, &literals)
        return end
    }

    /// Fills a block and gives the position behind its last match, or behind the last literal that has been counted.
    private static func search(
        _ bytes: RawSpan,
        from start: Int,
        to searchEnd: Int,
        _ places: inout [UInt32],
        _ block: inout DeflateBlock
    ) -> Int {
        search(
            bytes,
            from: start,
            to: searchEnd,
            &places,
            &block.matches,
            &block.matchCount,
            &block.literalFrequencies,
            &block.distanceFrequencies
        )
    }

    // Each array on its own: their spans cannot be had of one value at once.
    private static func search(
        _ bytes: RawSpan,
        from start: Int,
        to searchEnd: Int,
        _ places: inout [UInt32],
        _ matches: inout [DeflateBlock.Match],
        _ matchCount: inout Int,
        _ literalFrequencies: inout [UInt32],
        _ distanceFrequencies: inout [UInt32]
    ) -> Int {
        guard start < searchEnd else { return start }
        var places = places.mutableSpan
        var matches = matches.mutableSpan
        var literals = literalFrequencies.mutableSpan
        var distances = distanceFrequencies.mutableSpan
        // Known here, the sizes need not be compared with each index below.
        precondition(places.count == 1 << hashBits, "every hash has its place")
        precondition(literals.count == DeflateFormat.literalAlphabetSize, "every literal is counted")
        precondition(distances.count == DeflateFormat.distanceAlphabetSize, "every distance is counted")
        var count = 0
        var position = start
        var literalStart = start
        var candidate = look(at: position, of: bytes, &places)
        while position < searchEnd {
            let next = look(at: position &+ 1, of: bytes, &places)
            guard candidate.length >= minimumLength, next.length <= candidate.length else {
                literals[Int(bytes.byte(at: position))] &+= 1
                position &+= 1
                candidate = next
                let run = position &- literalStart
                if run >= patience, next.length < minimumLength {
                    let skippedTo = min(position &+ run / patience, searchEnd)
                    countLiterals(bytes, in: position..<skippedTo, &literals)
                    position = skippedTo
                    candidate = look(at: position, of: bytes, &places)
                }
                continue
            }
            let length = length(of: candidate, at: position, of: bytes)
            matches[count] = DeflateBlock.Match(
                literalCount: UInt32(truncatingIfNeeded: position &- literalStart),
                length: UInt16(truncatingIfNeeded: length),
                distance: UInt16(truncatingIfNeeded: candidate.distance)
            )
            count &+= 1
            literals[DeflateFormat.firstLengthSymbol &+ DeflateFormat.parts(ofLength: length).symbol] &+= 1
            distances[DeflateFormat.parts(ofDistance: candidate.distance).symbol] &+= 1
            // The looks have inserted the first two positions.
            let insertionEnd = min(position &+ min(length, insertionLimit), searchEnd)
            for inserted in position &+ 2..<max(position &+ 2, insertionEnd) {
                insert(inserted, of: bytes, to: &places)
            }
            position &+= length
            literalStart = position
            guard count < matches.count, position < searchEnd else { break }
            candidate = look(at: position, of: bytes, &places)
        }
        matchCount = count
        return position
    }

    @inline(__always)
    private static func hash(_ word: UInt64) -> Int {
        // Of four bytes, multiplied with 2^32 divided by the golden ratio, the highest bits depend on all.
        Int(truncatingIfNeeded: (UInt32(truncatingIfNeeded: word) &* 0x9E37_79B1) >> UInt32(32 - hashBits))
    }

    @inline(__always)
    private static func insert(_ position: Int, of bytes: RawSpan, to places: inout MutableSpan<UInt32>) {
        let hash = hash(bytes.word(at: position))
        places[hash] = places[hash] << 16 | UInt32(truncatingIfNeeded: position & 0xFFFF)
    }

    /// Finds out what a position begins, and remembers it.
    ///
    /// There is no branch in this, since nobody could foretell which way it goes.
    @inline(__always)
    private static func look(
        at position: Int,
        of bytes: RawSpan,
        _ places: inout MutableSpan<UInt32>
    ) -> Candidate {
        let word = bytes.word(at: position)
        let hash = hash(word)
        let known = places[hash]
        places[hash] = known << 16 | UInt32(truncatingIfNeeded: position & 0xFFFF)
        let near = compare(word, at: position, of: bytes, with: known)
        let far = compare(word, at: position, of: bytes, with: known >> 16)
        return far.length > near.length ? far : near
    }

    /// Compares the word at a position with that at another, of which the lowest 16 bits are given.
    @inline(__always)
    private static func compare(
        _ word: UInt64,
        at position: Int,
        of bytes: RawSpan,
        with place: UInt32
    ) -> Candidate {
        let distance = (UInt32(truncatingIfNeeded: position) &- place) & 0xFFFF
        // A distance of the low bits is never larger than the position.
        let difference = bytes.word(at: position &- Int(truncatingIfNeeded: distance)) ^ word
        let length = UInt32(truncatingIfNeeded: difference.trailingZeroBitCount &>> 3)
        // No distance at all wraps around to the largest number.
        let isWithinWindow = distance &- 1 < UInt32(DeflateFormat.windowSize)
        return Candidate(parts: isWithinWindow ? length << 16 | distance : 0)
    }

    /// The whole length of a candidate.
    @inline(__always)
    private static func length(of candidate: Candidate, at position: Int, of bytes: RawSpan) -> Int {
        var length = Int(truncatingIfNeeded: candidate.length)
        guard length == wordSize else { return length }
        let limit = min(DeflateFormat.maximumMatchLength, bytes.byteCount &- position)
        let start = position &- candidate.distance
        while length &+ wordSize <= limit {
            let difference = bytes.word(at: start &+ length) ^ bytes.word(at: position &+ length)
            if difference != 0 { return length &+ difference.trailingZeroBitCount &>> 3 }
            length &+= wordSize
        }
        while length < limit, bytes.byte(at: start &+ length) == bytes.byte(at: position &+ length) {
            length &+= 1
        }
        return length
    }

    @inline(__always)
    private static func countLiterals(
        _ bytes: RawSpan,
        in range: Range<Int>,
        _ frequencies: inout MutableSpan<UInt32>
    ) {
        for position in range { frequencies[Int(bytes.byte(at: position))] &+= 1 }
    }
}
