// Two flip-flops: a signal from outside, at the clock.
module synchroniser (
    input  wire clk,
    input  wire d,
    output wire q
);
    reg [1:0] stages;
    always @(posedge clk) stages <= {stages[0], d};
    assign q = stages[1];
endmodule
